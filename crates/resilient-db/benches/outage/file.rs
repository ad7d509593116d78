//! SQLite: a file on a small disk, and somebody else who may hold its lock.

use std::collections::HashMap;
use std::time::Duration;

use private_servers::SmallDisk;
use resilient_db::{Options, Supported as _};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, Sqlite, SqliteConnection};
use tempfile::TempDir;

use crate::scene::{EFFECTS, Failure, Fault, Scene};
use crate::statements::{Loaded, plain_change};

pub struct File {
    fault: Fault,
    directory: TempDir,
    disk: Option<SmallDisk>,
    holder: Option<SqliteConnection>,
}

impl File {
    /// The faults that a file can have.
    pub const FAULTS: [Fault; 2] = [Fault::Freeze, Fault::DiskFull];

    pub fn new(fault: Fault) -> Result<Self, Failure> {
        Ok(Self {
            fault,
            directory: tempfile::tempdir()?,
            disk: (fault == Fault::DiskFull).then(|| SmallDisk::mount(64)).transpose()?,
            holder: None,
        })
    }

    fn connect_options(&self) -> SqliteConnectOptions {
        let directory = self.disk.as_ref().map_or(self.directory.path(), SmallDisk::path);
        SqliteConnectOptions::new()
            .filename(directory.join("records.db"))
            .create_if_missing(true)
            .busy_timeout(Duration::from_millis(5))
    }
}

impl Scene<Sqlite> for File {
    fn options(&self) -> Result<Options<Sqlite>, Failure> {
        Ok(self.connect_options())
    }

    fn tables(&self) -> Vec<String> {
        Sqlite::tables(None)
    }

    async fn strike(&mut self) -> Result<(), Failure> {
        if let Some(disk) = &self.disk {
            disk.fill()?;
            // What the journal has room for.
            while plain_change::<Sqlite>(&self.connect_options()).await {}
            return Ok(());
        }
        let patient = self.connect_options().busy_timeout(Duration::from_secs(5));
        let mut holder = SqliteConnection::connect_with(&patient).await?;
        Sqlite::run(&mut holder, "BEGIN IMMEDIATE").await?;
        self.holder = Some(holder);
        Ok(())
    }

    async fn lift(&mut self) -> Result<(), Failure> {
        if let (Fault::DiskFull, Some(disk)) = (self.fault, &self.disk) {
            disk.free()?;
        }
        if let Some(mut holder) = self.holder.take() {
            Sqlite::run(&mut holder, "ROLLBACK").await?;
        }
        Ok(())
    }

    async fn effects(&self) -> Result<HashMap<i32, u32>, Failure> {
        let mut witness = SqliteConnection::connect_with(&self.connect_options()).await?;
        Ok(sqlx::query_as(EFFECTS)
            .fetch_all(&mut witness)
            .await?
            .into_iter()
            .collect())
    }
}
