//! What the probe asks: the same as calls do, at a form of nobody.
//!
//! A way on which Redis says `PONG` and refuses every call is no way. So each new connection has to
//! read a form, run the script that changes one, and write; only then is it used.

use redis::RedisError;
use redis::aio::MultiplexedConnection;

use super::hash::{Change, Fields, Keys};
use super::swap::{Swap, Swapper};
use super::{Room, fresh_mark};

/// No account's name begins like this.
const NOBODY: &str = "\0probe ";

/// A form that is there for no longer than one probe.
pub struct Rehearsal {
    form_key: String,
    form: String,
    index: String,
    swapper: Swapper,
}

impl Rehearsal {
    /// Each process has a name of its own, so that none is in the way of another.
    pub fn new(keys: &Keys) -> Self {
        let nobody = format!("{NOBODY}{}", fresh_mark());
        let form_key = "probe".to_owned();
        Self {
            form: keys.form(&nobody, &form_key),
            index: keys.index(&nobody),
            form_key,
            swapper: Swapper::new(),
        }
    }

    /// Reads as calls do.
    pub async fn read(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let _fields: Fields = redis::cmd("HGETALL").arg(&self.form).query_async(connection).await?;
        Ok(())
    }

    /// Asks for the right to change what lies at `key`, and changes nothing: what was refused there was
    /// perhaps refused nowhere else.
    pub async fn look_at(&self, key: &str, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let no_mark = fresh_mark();
        self.swap([key, key], [&no_mark, &no_mark], &Change::default(), connection)
            .await
    }

    /// Writes as calls do, and takes away what it wrote.
    pub async fn write(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let keys = [self.form.as_str(), &self.index];
        let field = "draft:probe".to_owned();
        let mark = fresh_mark();
        let put = Change {
            set: vec![(field.clone(), String::new())],
            ..Change::default()
        };
        let take_away = Change {
            remove: vec![field],
            ..Change::default()
        };
        self.swap(keys, ["", &mark], &put, connection).await?;
        self.swap(keys, [&mark, &mark], &take_away, connection).await
    }

    /// `marks`: the one that is read, and the one from then on.
    async fn swap(
        &self,
        keys: [&str; 2],
        marks: [&str; 2],
        change: &Change,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), RedisError> {
        let swap = Swap {
            keys,
            form_key: &self.form_key,
            mark: marks[0],
            fresh_mark: marks[1],
            room: Room::Limited,
            change,
        };
        self.swapper.run(connection, &swap).await?;
        Ok(())
    }
}
