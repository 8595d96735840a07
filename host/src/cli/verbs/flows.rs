//! Flows, their runs, and the log of who did what.

use super::Most;
use crate::cli::ask::{Call, Column, Deed, Show};
use serde_json::json;

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum FlowVerb {
    /// List the flows: what they do and what became of everything they read
    List(Most),
    /// Show one flow
    Show(Name),
    /// Look at the source now
    Start(Name),
    /// Finish what is under way, then rest until `resume`, also after a restart
    Pause {
        #[command(flatten)]
        name: Name,
        /// Why, for whoever finds it paused
        #[arg(long)]
        reason: Option<String>,
    },
    /// Go on after `pause`
    Resume(Name),
    /// End the run under way; what is in flight is finished
    Cancel(Name),
    /// Forget how far the flow has read; what is unchanged causes no write
    ReadAnew(Name),
    /// Show the flow until nothing moves any more
    Watch(Name),
    /// List records that were written and that a person should look at
    Flagged {
        #[command(flatten)]
        name: Name,
        #[command(flatten)]
        most: Most,
    },
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Name {
    /// The flow
    flow: String,
}

impl FlowVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const COLUMNS: &[Column] = &[
            ("FLOW", "/name"),
            ("ENTITY", "/entity"),
            ("FROM", "/from"),
            ("TO", "/to"),
            ("DOING", "/doing"),
            ("READ", "/tally/read"),
            ("WRITTEN", "/tally/written"),
            ("HELD", "/tally/held"),
            ("EXCEPTIONS", "/tally/exceptions"),
            ("DEAD LETTERS", "/tally/dead_letters"),
        ];
        const FLAGGED: &[Column] = &[("KEY", "/key"), ("FLAG", "/flags/0/flag"), ("FOR", "/flags/0/whom")];
        let act = |route, Name { flow }: Name, done: &str| {
            let done = Show::Said(format!("flow `{flow}` {done}"));
            Deed::Ask(Call::post(route).param(flow), done)
        };
        match self {
            FlowVerb::List(most) => Deed::List(Call::get("/v1/flows"), COLUMNS, most.limit),
            FlowVerb::Show(Name { flow }) => Deed::Ask(Call::get("/v1/flows/{flow}").param(flow), Show::Whole),
            FlowVerb::Start(name) => act("/v1/flows/{flow}/start", name, "looks at its source"),
            FlowVerb::Pause { name: Name { flow }, reason } => {
                let done = Show::Said(format!("flow `{flow}` is paused"));
                let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
                Deed::Ask(Call::post("/v1/flows/{flow}/pause").param(flow).json(body), done)
            }
            FlowVerb::Resume(name) => act("/v1/flows/{flow}/resume", name, "goes on"),
            FlowVerb::Cancel(name) => act("/v1/flows/{flow}/cancel", name, "waits for its next trigger"),
            FlowVerb::ReadAnew(name) => act("/v1/flows/{flow}/read-anew", name, "reads its source from the beginning"),
            FlowVerb::Watch(Name { flow }) => Deed::Watch {
                call: Call::get("/v1/flows/{flow}").param(flow),
                until: ("/doing", &["idle", "paused"]),
                line: "{/doing}: read {/tally/read}, written {/tally/written}, unchanged {/tally/unchanged}, held {/tally/held}, \
                       exceptions {/tally/exceptions}, dead letters {/tally/dead_letters}, in flight {/tally/in_flight}",
            },
            FlowVerb::Flagged { name: Name { flow }, most } => {
                Deed::List(Call::get("/v1/flows/{flow}/flagged").param(flow), FLAGGED, most.limit)
            }
        }
    }
}

#[derive(clap::Subcommand, Debug)]
pub(in crate::cli) enum RunVerb {
    /// List the runs of a flow, newest first
    List {
        #[command(flatten)]
        name: Name,
        /// Only runs in this state
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// Show one run: its counts, its calls by route
    Show(Id),
    /// List the calls that a run's plugins made
    Calls {
        #[command(flatten)]
        id: Id,
        #[command(flatten)]
        most: Most,
    },
    /// Show a run until it ends
    Watch(Id),
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Id {
    /// The run
    run: String,
}

impl RunVerb {
    pub(in crate::cli) fn deed(self) -> Deed {
        const COLUMNS: &[Column] = &[
            ("RUN", "/id"),
            ("STARTED", "/started"),
            ("ENDED", "/ended"),
            ("STATE", "/state"),
            ("READ", "/read"),
            ("WRITTEN", "/written"),
            ("SET ASIDE", "/set_aside"),
            ("DETAIL", "/detail"),
        ];
        const CALLS: &[Column] = &[
            ("AT", "/at"),
            ("CONNECTION", "/connection"),
            ("ROUTE", "/route"),
            ("DECISION", "/decision"),
            ("STATUS", "/status"),
            ("MS", "/took_ms"),
            ("ERROR", "/error"),
        ];
        match self {
            RunVerb::List { name: Name { flow }, state, most } => {
                Deed::List(Call::get("/v1/flows/{flow}/runs").param(flow).query("state", state), COLUMNS, most.limit)
            }
            RunVerb::Show(Id { run }) => Deed::Ask(Call::get("/v1/runs/{run}").param(run), Show::Whole),
            RunVerb::Calls { id: Id { run }, most } => {
                Deed::List(Call::get("/v1/runs/{run}/calls").param(run), CALLS, most.limit)
            }
            RunVerb::Watch(Id { run }) => Deed::Watch {
                call: Call::get("/v1/runs/{run}").param(run),
                until: ("/state", &["done", "failed", "paused", "cancelled", "stopped", "interrupted"]),
                line: "{/state}: read {/read}, written {/written}, unchanged {/unchanged}, set aside {/set_aside}",
            },
        }
    }
}

#[derive(clap::Args, Debug)]
pub(in crate::cli) struct AuditArguments {
    /// Only what this actor did
    #[arg(long)]
    actor: Option<String>,
    /// Only this kind of act: `configuration.apply`
    #[arg(long)]
    action: Option<String>,
    /// Only what concerns this: `flow:orders`
    #[arg(long)]
    subject: Option<String>,
    #[command(flatten)]
    most: Most,
}

impl AuditArguments {
    pub(in crate::cli) fn deed(self) -> Deed {
        const COLUMNS: &[Column] = &[
            ("SEQ", "/seq"),
            ("AT", "/at"),
            ("BY", "/actor"),
            ("ACTION", "/action"),
            ("SUBJECT", "/subject"),
            ("DETAIL", "/detail"),
        ];
        let Self { actor, action, subject, most } = self;
        let call = Call::get("/v1/audit").query("actor", actor).query("action", action).query("subject", subject);
        Deed::List(call, COLUMNS, most.limit)
    }
}
