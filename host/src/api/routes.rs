//! Every route, with its handler: the router and the OpenAPI document come from this one list.

use super::*;
use utoipa::openapi::{InfoBuilder, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

type Routes = OpenApiRouter<Arc<Service>>;

pub(super) fn all() -> Routes {
    let info = InfoBuilder::new()
        .title("Tollgate")
        .version("v1")
        .description(Some("A self-hosted plugin host for connectors. Calls carry `Authorization: Bearer TOKEN`."));
    OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build())
        .merge(of_the_host())
        .merge(of_plugins())
        .merge(of_configuration())
        .merge(of_connections())
        .merge(of_flows())
        .merge(of_set_aside())
}

fn of_the_host() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(health::is_alive))
        .routes(routes!(health::is_ready))
        .routes(routes!(health::show_document))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(audit::list_audit))
        .routes(routes!(status::show_status))
}

fn of_plugins() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(plugins::list_plugins, plugins::install_plugin))
        .routes(routes!(plugins::rollback_plugin))
        .routes(routes!(plugins::show_plugin, plugins::delete_plugin))
        .routes(routes!(plugins::activate_plugin))
}

fn of_configuration() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(configuration::show_configuration))
        .routes(routes!(configuration::apply))
        .routes(routes!(configuration::rollback))
        .routes(routes!(configuration::list_revisions))
        .routes(routes!(configuration::show_revision))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::show_text, documents::remove_document))
        .routes(routes!(documents::list_versions))
        .routes(routes!(tables::list_tables))
        .routes(routes!(tables::list_rows))
        .routes(routes!(tables::show_row, tables::set_row, tables::remove_row))
        .routes(routes!(tables::list_row_versions))
}

fn of_connections() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(connections::list_connections))
        .routes(routes!(connections::show_connection))
        .routes(routes!(connections::check_connection))
        .routes(routes!(connections::confirm_account))
        .routes(routes!(discover::discover))
        .routes(routes!(records::find_records))
        .routes(routes!(connections::set_secret, connections::remove_secret))
        .routes(routes!(consent::show_consent, consent::begin_consent))
        .routes(routes!(consent::answer_consent))
        .routes(routes!(accounts::list_accounts))
}

fn of_flows() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(flows::list_flows))
        .routes(routes!(flows::show_flow))
        .routes(routes!(control::start_flow))
        .routes(routes!(control::pause_flow))
        .routes(routes!(control::resume_flow))
        .routes(routes!(control::cancel_flow))
        .routes(routes!(control::read_anew))
        .routes(routes!(flows::list_flagged))
        .routes(routes!(entities::try_record))
        .routes(routes!(entities::check_entity))
        .routes(routes!(runs::list_runs))
        .routes(routes!(runs::show_run))
        .routes(routes!(runs::list_calls))
}

fn of_set_aside() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(set_aside::list_set_aside))
        .routes(routes!(set_aside::count_set_aside))
        .routes(routes!(steward::release_many))
        .routes(routes!(steward::discard_many))
        .routes(routes!(set_aside::show_set_aside, steward::correct))
        .routes(routes!(steward::release))
        .routes(routes!(steward::discard))
}
