//! Listening and stopping.

use super::PublicUrl;
use crate::app::App;
use std::future::{Future, IntoFuture};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tollgate_core::model::limits;

/// [`serve_at`], for browsers on this machine only.
///
/// # Errors
/// As [`serve_at`].
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let public_url = PublicUrl::local(listener.local_addr()?);
    serve_at(app, listener, public_url, stop).await
}

/// Answers requests until `stop` is ready, then takes no further connection, finishes the requests under way (for at most
/// [`limits::API_STOP_MS_MAX`]) and stops the host. Browsers reach it at `public_url`.
///
/// # Errors
/// The listener fails; the host is stopped then too.
pub async fn serve_at(
    app: Arc<App>,
    listener: TcpListener,
    public_url: PublicUrl,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let (tell, told) = oneshot::channel::<()>();
    let router = super::router(app.clone(), public_url);
    let stopping = async {
        // Told, or nobody is left to tell: both mean the end.
        let _ = told.await;
    };
    let server = axum::serve(listener, router).with_graceful_shutdown(stopping).into_future();
    tokio::pin!(server);
    let result = tokio::select! {
        result = &mut server => result,
        () = stop => {
            let _ = tell.send(());
            tokio::select! {
                result = &mut server => result,
                () = app.clock().sleep_ms(limits::API_STOP_MS_MAX) => {
                    tracing::warn!("some connections did not end in time and are dropped");
                    Ok(())
                }
            }
        }
    };
    app.stop().await;
    result
}
