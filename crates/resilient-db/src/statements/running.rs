//! Where statements are measured: a wrapper that sees a statement's text on its way to the driver.

use std::sync::Arc;
use std::time::Duration;

use sqlx::error::BoxDynError;
use sqlx::{Database, Execute, SqlStr};

use super::{Contention, Ended, How, Place, Statements};
use crate::supported::{Role, Supported};

/// Who counts the statements of one call.
#[derive(Clone)]
pub(crate) struct Watch {
    statements: Arc<Statements>,
    call: &'static str,
    role: Role,
    contention: fn(&sqlx::Error) -> Option<Contention>,
}

impl Watch {
    pub(crate) fn new<D: Supported>(statements: &Arc<Statements>, call: &'static str, role: Role) -> Self {
        Self {
            statements: Arc::clone(statements),
            call,
            role,
            contention: |error| D::contention(error.as_database_error()?),
        }
    }

    pub(crate) fn place(&self, sql: &str) -> Place {
        self.statements.place(sql)
    }

    pub(crate) fn failed(&self, error: &sqlx::Error) -> How {
        How::Failed((self.contention)(error))
    }

    pub(crate) fn ended(&self, place: Place, took: Duration, rows: Rows, how: How) {
        let ended = Ended {
            call: self.call,
            took,
            rows,
            how,
        };
        self.statements.ended(place, ended, self.role);
    }

    /// One of our own statements, such as COMMIT.
    pub(crate) fn ran(&self, statement: &'static str, took: Duration, failed: Option<&sqlx::Error>) {
        let how = failed.map_or(How::Succeeded, |error| self.failed(error));
        self.ended(self.place(statement), took, Rows::default(), how);
    }
}

/// What came of a statement: drivers say of one that only reads that it changed something, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) read: u64,
    pub(crate) changed: u64,
}

/// A statement whose text is told to `tap` when the driver takes it. (sqlx gives a text only away together with the
/// statement.)
pub(crate) struct Tapped<E, T> {
    pub(crate) query: E,
    pub(crate) tap: T,
}

impl<'q, D, E, T> Execute<'q, D> for Tapped<E, T>
where
    D: Database,
    E: Execute<'q, D>,
    T: FnOnce(&str) + Send,
{
    fn sql(self) -> SqlStr {
        let sql = self.query.sql();
        (self.tap)(sql.as_str());
        sql
    }

    fn statement(&self) -> Option<&D::Statement> {
        self.query.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<D::Arguments>, BoxDynError> {
        self.query.take_arguments()
    }

    fn persistent(&self) -> bool {
        self.query.persistent()
    }
}
