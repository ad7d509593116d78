//! PostgreSQL and MariaDB: a private server, a proxy before it, and all that can happen to the two.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fault_proxy::{Fault as Cut, FaultProxy};
use private_servers::{PrivateMariaDb, PrivatePostgres, ServerError, SmallDisk};
use resilient_db::Options;
use sqlx::{MySql, Postgres};
use tokio::time::sleep;

use crate::crowd::Crowd;
use crate::databases::{PrivateServer as _, Served};
use crate::scene::{EFFECTS, Failure, Fault, Scene};
use crate::statements::{Loaded, plain_change};

/// What is broken on a server, said by each of them.
pub trait Breakable: Served + Loaded {
    /// As its owner, before anybody comes; it is then started again.
    fn prepare(place: Option<&Path>) -> Vec<String>;

    /// As somebody who may not take the places that are kept for the owner.
    fn url_of_the_library(address: SocketAddr) -> String;

    fn url_of_the_crowd(address: SocketAddr) -> String;

    /// Gives it a directory to keep data in.
    fn give(server: &Self::Private, directory: &Path) -> Result<(), ServerError>;

    /// Makes the server so small that a crowd can fill it, where starting it has not.
    const MAKE_SMALL: &'static [&'static str];
    /// Finds deadlocks within milliseconds.
    const FIND_DEADLOCKS_AT_ONCE: &'static [&'static str];

    /// Ends the library's connections, and leaves the crowd's.
    const END_THE_LIBRARYS: &'static str;
    /// How many there are.
    const COUNT_THE_LIBRARYS: &'static str;
}

impl Breakable for Postgres {
    fn prepare(place: Option<&Path>) -> Vec<String> {
        let mut all = vec![
            "CREATE ROLE app LOGIN".to_owned(),
            "GRANT CREATE, USAGE ON SCHEMA public TO app".to_owned(),
            "ALTER SYSTEM SET max_connections = 40".to_owned(),
        ];
        if let Some(place) = place {
            all.push(format!("CREATE TABLESPACE small LOCATION '{}'", place.display()));
            all.push("GRANT CREATE ON TABLESPACE small TO app".to_owned());
        }
        all
    }

    fn url_of_the_library(address: SocketAddr) -> String {
        format!("postgres://app@{address}/postgres")
    }

    fn url_of_the_crowd(address: SocketAddr) -> String {
        Self::url_of_the_library(address)
    }

    fn give(server: &PrivatePostgres, directory: &Path) -> Result<(), ServerError> {
        server.give(directory)
    }

    const MAKE_SMALL: &'static [&'static str] = &[];
    /// By default it looks after a second of waiting.
    const FIND_DEADLOCKS_AT_ONCE: &'static [&'static str] =
        &["ALTER SYSTEM SET deadlock_timeout = '5ms'", "SELECT pg_reload_conf()"];
    const END_THE_LIBRARYS: &'static str =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'resilient-db'";
    const COUNT_THE_LIBRARYS: &'static str =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'resilient-db'";
}

impl Breakable for MySql {
    fn prepare(_place: Option<&Path>) -> Vec<String> {
        vec!["CREATE USER crowd@'127.0.0.1'".to_owned()]
    }

    fn url_of_the_library(address: SocketAddr) -> String {
        Self::url_at(address)
    }

    fn url_of_the_crowd(address: SocketAddr) -> String {
        format!("mysql://crowd@{address}/")
    }

    fn give(server: &PrivateMariaDb, directory: &Path) -> Result<(), ServerError> {
        server.give(directory)
    }

    const MAKE_SMALL: &'static [&'static str] = &["SET GLOBAL max_connections = 40"];
    const FIND_DEADLOCKS_AT_ONCE: &'static [&'static str] = &[];
    const END_THE_LIBRARYS: &'static str = "KILL USER tester";
    const COUNT_THE_LIBRARYS: &'static str =
        "SELECT count(*) FROM information_schema.processlist WHERE user = 'tester'";
}

/// Who wants in is refused at once; it is only a matter of who comes first.
const CROWDED_WITHIN: Duration = Duration::from_secs(20);

pub struct Server<D: Breakable> {
    fault: Fault,
    server: Arc<D::Private>,
    proxy: FaultProxy,
    disk: Option<SmallDisk>,
    crowd: Option<Crowd>,
}

impl<D: Breakable> Server<D> {
    pub async fn start(fault: Fault) -> Result<Self, Failure> {
        let disk = (fault == Fault::DiskFull).then(|| SmallDisk::mount(64)).transpose()?;
        let server = Arc::new(tokio::task::spawn_blocking(D::Private::begin).await??);
        let address = ([127, 0, 0, 1], server.port()).into();
        let scene = Self {
            fault,
            server,
            proxy: FaultProxy::start(address).await?,
            disk,
            crowd: None,
        };
        let place = scene.disk.as_ref().map(|disk| disk.path().to_owned());
        scene
            .blocking(move |server| {
                if let Some(place) = &place {
                    D::give(server, place)?;
                }
                for statement in D::prepare(place.as_deref()) {
                    server.query(D::MAIN, &statement)?;
                }
                server.offer_tls(fault == Fault::TlsRefused)?;
                server.restart()
            })
            .await?;
        Ok(scene)
    }

    /// What blocks is done elsewhere: the load runs on.
    async fn blocking(
        &self,
        work: impl FnOnce(&D::Private) -> Result<(), ServerError> + Send + 'static,
    ) -> Result<(), Failure> {
        let server = Arc::clone(&self.server);
        Ok(tokio::task::spawn_blocking(move || work(&server)).await??)
    }

    async fn signal(&self, send: fn(&D::Private)) -> Result<(), Failure> {
        let sent = move |server: &D::Private| {
            send(server);
            Ok(())
        };
        self.blocking(sent).await
    }

    async fn say(&self, orders: &'static [&'static str]) -> Result<(), Failure> {
        let all = move |server: &D::Private| {
            let mut orders = orders.iter();
            orders.try_for_each(|order| server.query(D::MAIN, order).map(drop))
        };
        self.blocking(all).await
    }

    async fn offer_tls(&self, offered: bool) -> Result<(), Failure> {
        self.blocking(move |server| {
            server.offer_tls(offered)?;
            server.restart()
        })
        .await
    }

    /// The crowd takes what is free, then what the library has.
    async fn crowd_in(&mut self) -> Result<(), Failure> {
        self.say(D::MAKE_SMALL).await?;
        let url = D::url_of_the_crowd(([127, 0, 0, 1], self.server.port()).into());
        self.crowd = Some(Crowd::gather::<D>(url.parse()?));
        let began = Instant::now();
        self.blocking(move |server| {
            loop {
                // Fails where there is none of them left, and while somebody who is about to be refused stands in
                // the place that is kept for the owner.
                let _ended = server.query(D::MAIN, D::END_THE_LIBRARYS);
                std::thread::sleep(Duration::from_millis(20));
                match server.query(D::MAIN, D::COUNT_THE_LIBRARYS) {
                    Ok(count) if count == "0" => return Ok(()),
                    answer if began.elapsed() > CROWDED_WITHIN => {
                        let said = answer.map(|count| format!("{count} connections of the library are left"))?;
                        return Err(ServerError::Failed { program: "crowd", said });
                    }
                    _ => {}
                }
            }
        })
        .await
    }
}

impl<D: Breakable> Scene<D> for Server<D> {
    fn options(&self) -> Result<Options<D>, Failure> {
        let by_proxy = matches!(self.fault, Fault::OneByteASecond | Fault::BlackHole);
        let address = match by_proxy {
            true => self.proxy.address(),
            false => ([127, 0, 0, 1], self.server.port()).into(),
        };
        let tls = if self.fault == Fault::TlsRefused {
            D::DEMAND_TLS
        } else {
            ""
        };
        Ok((D::url_of_the_library(address) + tls).parse()?)
    }

    fn tables(&self) -> Vec<String> {
        D::tables(self.disk.as_ref().map(SmallDisk::path))
    }

    async fn strike(&mut self) -> Result<(), Failure> {
        match self.fault {
            Fault::Kill => self.signal(D::Private::kill).await?,
            Fault::Freeze => self.signal(D::Private::freeze).await?,
            Fault::ConnectionLimit => self.crowd_in().await?,
            Fault::DiskFull => {
                self.disk.as_ref().map_or(Ok(()), SmallDisk::fill)?;
                // What the table had been given before.
                while plain_change::<D>(&self.options()?).await {}
            }
            Fault::ReadOnly => self.say(D::REFUSE_CHANGES).await?,
            Fault::TlsRefused => self.offer_tls(false).await?,
            Fault::OneByteASecond => {
                let crawl = Cut::Slow {
                    bytes_per_second: 1,
                    latency: Duration::ZERO,
                };
                self.proxy.set(crawl).await;
            }
            Fault::BlackHole => self.proxy.set(Cut::BlackHole).await,
            Fault::Errors => {}
        }
        // A setting that is loaded again reaches those who are there a moment later.
        sleep(Duration::from_millis(20)).await;
        match plain_change::<D>(&self.options()?).await {
            true => Err(format!("{}: changes are still taken", self.fault.name()).into()),
            false => Ok(()),
        }
    }

    async fn lift(&mut self) -> Result<(), Failure> {
        match self.fault {
            Fault::Kill => self.blocking(|server| server.restart()).await?,
            Fault::Freeze => self.signal(D::Private::thaw).await?,
            Fault::ConnectionLimit => self.crowd.take().map_or((), Crowd::leave),
            Fault::DiskFull => self.disk.as_ref().map_or(Ok(()), SmallDisk::free)?,
            Fault::ReadOnly => self.say(D::TAKE_CHANGES).await?,
            Fault::TlsRefused => self.offer_tls(true).await?,
            Fault::OneByteASecond | Fault::BlackHole => self.proxy.set(Cut::Pass).await,
            Fault::Errors => {}
        }
        Ok(())
    }

    async fn effects(&self) -> Result<HashMap<i32, u32>, Failure> {
        let server = Arc::clone(&self.server);
        let rows = tokio::task::spawn_blocking(move || server.query(D::MAIN, EFFECTS)).await??;
        let of_line = |line: &str| {
            let (id, times) = line.split_once('|').ok_or("two columns")?;
            Ok((id.parse()?, times.parse()?))
        };
        rows.lines().map(of_line).collect()
    }
}
