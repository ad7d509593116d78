//! From settings to a running server, and down again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::monitoring::port::Monitor;
use app::records::port::Records;
use axum::Router;
use resilient_db::{CountMetrics, Faults, LogChanges, Observer, Observers, Options, Policy};
use resilient_drafts::Secrets;
use tokio::net::TcpListener;

use crate::auth::directory::Directory;
use crate::auth::repository::AccountRepository;
use crate::auth::service::Auth;
use crate::backup::{BackedUp, Making, Schedule, What};
use crate::config::{DatabaseSettings, Servers, Settings, StorageSettings};
use crate::database::{Database, DatabaseState, LogOf, Readiness};
use crate::drafts::DraftService;
use crate::events::{self, Hub};
use crate::http::offline::{Kept, Offline};
use crate::http::router::router;
use crate::http::static_files;
use crate::instances::{self, Instance, Others};
use crate::keys::Keys;
use crate::monitoring::drills::{DatabaseWitness, Drills};
use crate::monitoring::{DatabaseMonitor, Observations, degradation, keep_errors, machine, own_tables, prometheus};
use crate::panel::Panel;
use crate::preparation::Preparation;
use crate::records::save::Versions;
use crate::records::service::RecordService;
use crate::replay::{Replay, Worker};
use crate::report;
use crate::reports::{DatabaseReports, Watched};
use crate::schema::{self, Schema};
use crate::services::Services;
use crate::sql::{MySql, Postgres, Sqlite};
use crate::test_queries::TestQueries;

/// A request has its answer or its deadline by then; a client that reads no more is not waited for.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

/// A server that is set up and not yet listening.
pub struct Prepared {
    pub router: Router,
    pub services: Services,
    /// Held as long as the server runs.
    _data_dir: DataDir,
}

/// The data directory, locked against a second process.
pub(crate) struct DataDir {
    _lock: File,
}

/// Sets everything up; the database need not be there.
///
/// # Errors
/// In words for the operator: the data directory is in use or cannot be written, or holds files
/// that cannot be read.
pub async fn prepare(settings: Settings) -> Result<Prepared, String> {
    let storage = &settings.storage;
    let data_dir = open_data_dir(storage)?;
    let secrets = storage.secrets().map_err(|error| unusable(storage, "secret", &error))?;
    let keys = Keys::of(&secrets);
    let panel = Arc::new(Panel::new(
        Arc::clone(&settings.panel),
        schema::last_known(&storage.data_dir),
    ));
    let path = storage.data_dir.join("drafts.db");
    let observations = Arc::new(Observations::default());
    observations.secrets.begin(&storage.data_dir, &secrets);
    let saves = Arc::clone(&observations.saves);
    let drafts = DraftService::open(&path, &keys, &settings.redis, Arc::clone(&panel), saves).await;
    let drafts = Arc::new(drafts.map_err(|error| unusable(storage, "drafts.db", &error))?);
    let services = match settings.database.clone() {
        DatabaseSettings::Embedded => {
            let servers = Servers::only(storage.embedded_database());
            assemble::<Sqlite>(servers, settings, secrets, drafts, panel, observations).await?
        }
        DatabaseSettings::Sqlite(options) => {
            assemble::<Sqlite>(Servers::only(*options), settings, secrets, drafts, panel, observations).await?
        }
        DatabaseSettings::MySql(servers) => {
            assemble::<MySql>(*servers, settings, secrets, drafts, panel, observations).await?
        }
        DatabaseSettings::Postgres(servers) => {
            assemble::<Postgres>(*servers, settings, secrets, drafts, panel, observations).await?
        }
    };
    Ok(Prepared {
        router: router(services.clone()),
        services,
        _data_dir: data_dir,
    })
}

async fn assemble<D: BackedUp + Watched>(
    servers: Servers<Options<D::Database>>,
    settings: Settings,
    secrets: Secrets,
    drafts: Arc<DraftService>,
    panel: Arc<Panel>,
    observations: Arc<Observations>,
) -> Result<Services, String> {
    let storage = &settings.storage;
    let keys = Keys::of(&secrets);
    // Before anything is counted; nobody could read it without the token.
    let metrics = storage.api_token.as_ref().and_then(|_| prometheus::install());
    let faults = settings.drills.then(Faults::default);
    machine::watch(&observations.machine, &storage.data_dir);
    let db = connect::<D>(&servers, &settings, faults.clone(), &observations).await;
    if settings.require_database {
        there(&db.state())?;
    }
    let directory = Directory::open(&storage.data_dir).map_err(|error| unusable(storage, "accounts.json", &error))?;
    let directory = Arc::new(directory);
    let accounts = Arc::new(AccountRepository::<D>::new(db.clone()));
    let (others, to_tell) = match &settings.redis.address {
        Some(address) => {
            let (others, waiting) = Others::some();
            (others, Some((address.clone(), waiting)))
        }
        None => (Others::none(), None),
    };
    let auth = Arc::new(Auth::new(
        accounts,
        Arc::clone(&directory),
        keys.clone(),
        others.clone(),
    ));
    let (prepared, read_only) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let drills = faults.map(|faults| {
        let witness = DatabaseWitness::<D> {
            db: db.clone(),
            drafts: Arc::clone(&drafts),
            prepared: Arc::clone(&prepared),
            read_only: Arc::clone(&read_only),
        };
        Arc::new(Drills::new(faults, Arc::new(witness), Arc::clone(&observations)))
    });
    let events = Arc::new(Hub::with(others));
    if let Some((address, waiting)) = to_tell {
        instances::join(&address, &keys, (&events, &auth, &drafts), waiting)
            .map_err(|error| format!("REDIS_URL cannot be used: {}.", report::chain(&error)))?;
    }
    let schema = Schema::<D>::new(db.clone(), Arc::clone(&panel), &storage.data_dir);
    let versions = Versions::new(&keys);
    let records: Arc<dyn Records> = Arc::new(RecordService::<D>::new(
        db.clone(),
        schema.clone(),
        versions.clone(),
        Arc::clone(&drafts),
        Arc::clone(&events),
        Arc::clone(&read_only),
        Arc::clone(&observations.saves),
    ));
    let monitor: Arc<dyn Monitor> = Arc::new(DatabaseMonitor {
        db: db.clone(),
        kind: settings.database.kind(),
        prepared: Arc::clone(&prepared),
        drafts: Arc::clone(&drafts),
        observations: Arc::clone(&observations),
        drills: drills.clone(),
        places: settings.database.places(),
        reports: DatabaseReports::<D>::new(servers.clone(), db.clone(), &panel),
    });
    events::follow(&events, &monitor);
    degradation::watch(&observations.degradation, db.clone());
    keep_errors::<D>(
        &observations.errors,
        db.clone(),
        Arc::clone(&prepared),
        Arc::clone(&read_only),
    );
    own_tables::watch::<D>(
        &observations.own_tables,
        db.clone(),
        Arc::clone(&prepared),
        Arc::clone(&read_only),
    );
    let making = Making::<D> {
        what: What {
            servers: servers.clone(),
            db: db.clone(),
            data_dir: storage.data_dir.clone(),
            secrets: Some(secrets),
            drafts_in_redis: settings.redis.address.is_some(),
        },
        shelf: settings.backup.shelf.clone(),
        places: settings.backup.places.clone(),
        keep: settings.backup.keep,
    };
    let backups = Schedule::start(
        making,
        settings.backup.every,
        Arc::clone(&prepared),
        Arc::clone(&observations.backups),
    );
    let replay = Replay::start(Worker {
        records: Arc::clone(&records),
        auth: Arc::clone(&auth),
        drafts: Arc::clone(&drafts),
        settings: settings.replay,
        can_save: {
            let (db, prepared) = (db.clone(), Arc::clone(&prepared));
            Box::new(move || prepared.load(Ordering::Acquire) && db.state().can_save)
        },
    });
    let preparation = Preparation::<D> {
        db,
        servers,
        panel: Arc::clone(&panel),
        schema,
        versions,
        auth: Arc::clone(&auth),
        drafts: Arc::clone(&drafts),
        secrets: Arc::clone(&observations.secrets),
        storage: storage.clone(),
        instance: Instance::new(
            &keys.mark,
            &settings.listen.public_url.to_string(),
            settings.redis.address.is_some(),
        ),
        demo: matches!(settings.database, DatabaseSettings::Embedded),
        prepared,
        read_only,
        shares: AtomicBool::new(false),
        told_what_is_off: AtomicBool::new(false),
        undone_seen: Mutex::default(),
    };
    if !preparation.start().await && settings.require_database {
        return Err("DATABASE_URL: the database is there and is not prepared in time; the log says why.".to_owned());
    }
    let assets: BTreeMap<String, String> = static_files::asset_paths(&storage.site_dir);
    let kept = Kept {
        pages: settings.offline_pages,
        drafts: settings.local_drafts,
    };
    let offline = Offline::new(kept, &storage.site_dir, &assets);
    let test_queries = TestQueries::open(&settings, &panel).map(Arc::new);
    if test_queries.is_some() {
        tracing::warn!("test queries are on: superusers can run read-only statements of their own");
    }
    Ok(Services {
        settings: Arc::new(settings),
        auth,
        records,
        drafts,
        panel,
        monitor,
        events,
        observations,
        drills,
        test_queries,
        metrics,
        assets: Arc::new(assets),
        replay: Arc::new(replay),
        offline: Arc::new(offline),
        device_drafts: keys.device_drafts.clone(),
        backups: Arc::new(backups),
    })
}

fn there(database: &DatabaseState) -> Result<(), String> {
    match (database.readiness, &database.leading().health.cause) {
        (Readiness::Down, Some(cause)) => Err(format!("DATABASE_URL: the database cannot be reached: {cause}.")),
        (Readiness::Down, None) => Err("DATABASE_URL: the database cannot be reached.".to_owned()),
        _ => Ok(()),
    }
}

/// Each server with a policy that says which one it is about.
async fn connect<D: BackedUp>(
    servers: &Servers<Options<D::Database>>,
    settings: &Settings,
    faults: Option<Faults>,
    observations: &Observations,
) -> Database<D::Database> {
    let is_one = servers.is_one();
    let policy_of = |server: &'static str| {
        let log: Arc<dyn Observer> = match is_one {
            true => Arc::new(LogChanges),
            false => Arc::new(LogOf { server }),
        };
        let mut observers: Vec<Arc<dyn Observer>> = vec![log, Arc::new(CountMetrics { database: server })];
        observers.extend(observations.observers::<D::Database>(server));
        Policy {
            application_name: "inkfast".to_owned(),
            observer: Arc::new(Observers(observers)),
            faults: faults.clone(),
            adaptive: settings.adaptive_limits,
            statements: settings.statements.measuring(),
            ..Policy::default()
        }
    };
    // What concerns several: who is written to, and calls that none of them could take.
    let all: Vec<Arc<dyn Observer>> = vec![
        Arc::new(LogChanges),
        Arc::new(CountMetrics { database: "all" }),
        observations.errors.clone(),
    ];
    Database::connect(servers.clone(), settings.max_lag, policy_of, Arc::new(Observers(all))).await
}

/// Makes it where it is not there, and locks it.
///
/// # Errors
/// In words for the operator; above all where a server is using it.
pub(crate) fn open_data_dir(storage: &StorageSettings) -> Result<DataDir, String> {
    let dir = &storage.data_dir;
    std::fs::create_dir_all(dir).map_err(|error| unusable(storage, "", &error))?;
    let lock = File::create(dir.join("lock")).map_err(|error| unusable(storage, "lock", &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(DataDir { _lock: lock }),
        Err(std::fs::TryLockError::WouldBlock) => Err(format!(
            "INKFAST_DATA_DIR: {} is in use by another Inkfast.",
            dir.display()
        )),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(storage, "lock", &error)),
    }
}

fn unusable(storage: &StorageSettings, file: &str, error: &dyn std::error::Error) -> String {
    let cause = report::chain(error);
    format!(
        "INKFAST_DATA_DIR: {} cannot be used: {cause}.",
        storage.data_dir.join(file).display()
    )
}

/// Serves until told to stop; requests under way are finished first.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(prepared: Prepared, listener: TcpListener) -> io::Result<()> {
    let Prepared {
        router,
        services,
        _data_dir,
    } = prepared;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let (backups, replay) = (Arc::clone(&services.backups), Arc::clone(&services.replay));
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let stop = async move {
        told_to_stop().await;
        // Streams would hold it up for as long as pages are open.
        services.events.close();
        services.backups.tell_to_stop();
        let _ = stopping.send(());
    };
    let too_long = async {
        if stopped.await.is_ok() {
            tokio::time::sleep(STOPS_WITHIN).await;
        }
    };
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop);
    let served = tokio::select! {
        served = serving.into_future() => served,
        () = too_long => {
            tracing::warn!("stopped with requests under way that did not come to their end");
            Ok(())
        }
    };
    tokio::join!(replay.stop(), backups.stop());
    served
}

/// Ends at Ctrl+C, or when the process is asked to end.
pub(crate) async fn told_to_stop() {
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                tokio::select! {
                    () = interrupted => {}
                    _ = terminated.recv() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be listened for");
                interrupted.await;
            }
        }
    }
    #[cfg(not(unix))]
    interrupted.await;
}
