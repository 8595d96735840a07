//! Listening and stopping.

use crate::app::App;
use std::future::{Future, IntoFuture};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tollgate_core::model::limits;

/// Answers requests until `stop` is ready, then takes no further connection, finishes the requests under way (for at most
/// [`limits::API_STOP_MS_MAX`]) and stops the host.
///
/// # Errors
/// The listener fails; the host is stopped then too.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let (tell, told) = oneshot::channel::<()>();
    let router = super::router(app.clone());
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
