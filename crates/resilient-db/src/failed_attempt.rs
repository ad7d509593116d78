//! Why one attempt of a call failed.

use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use resilient_core::failure::{Class, Kind};

use crate::classify::{CROWDED, DEFECT, Phase, in_phase, io, sqlx_variant};
use crate::error::{CommitRefused, Constraint};
use crate::supported::Supported;

#[derive(Clone, Debug)]
pub(crate) struct FailedAttempt {
    pub(crate) class: Class,
    pub(crate) constraint: Option<Box<Constraint>>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) source: Option<Arc<dyn Error + Send + Sync>>,
}

impl FailedAttempt {
    /// The driver reported `error` in `phase`.
    pub(crate) fn of<D: Supported>(error: sqlx::Error, phase: Phase, server: &D::Server) -> Self {
        let class = sqlx_variant::classify::<D>(&error, phase, server);
        let constraint = error
            .as_database_error()
            .and_then(|error| D::constraint(error, server))
            .map(Box::new);
        Self {
            class,
            constraint,
            retry_after: None,
            source: Some(Arc::new(error)),
        }
    }

    /// Our own limit was over in `phase`. The server has a shorter one, so it does not answer.
    pub(crate) fn timed_out(phase: Phase) -> Self {
        let kind = ErrorKind::TimedOut;
        let class = Class {
            kind: Kind::TimedOut,
            ..in_phase(io::class_of_kind(kind, phase), phase)
        };
        Self::plain(class).caused_by(Arc::new(sqlx::Error::Io(kind.into())))
    }

    pub(crate) fn commit_refused(refused: CommitRefused) -> Self {
        Self::plain(DEFECT).caused_by(Arc::new(refused))
    }

    pub(crate) fn crowded() -> Self {
        Self::plain(CROWDED)
    }

    pub(crate) fn plain(class: Class) -> Self {
        Self {
            class,
            constraint: None,
            retry_after: None,
            source: None,
        }
    }

    pub(crate) fn caused_by(self, source: Arc<dyn Error + Send + Sync>) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }
}
