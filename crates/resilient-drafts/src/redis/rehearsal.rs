//! What the probe asks: the same as calls do, at a form of nobody.
//!
//! A way on which Redis says `PONG` and refuses every call is no way. So each new connection has to
//! read a form, run the script that changes one, and write; only then is it used.

use std::sync::Arc;

use redis::RedisError;
use resilient_core::failure::Kind;

use super::classify::classify;
use super::connector::Connection;
use super::hash::{Change, Fields, MARK};
use super::home::Residence;
use super::swap::{Swap, Swapper};
use super::{Room, fresh_mark};

/// No account's name begins like this.
const NOBODY: &str = "\0probe ";
const FORM_KEY: &str = "probe";

/// The mark of the form as it was read.
pub struct Mark(String);

/// A form that is there for no longer than one probe.
pub struct Rehearsal {
    home: Arc<Residence>,
    /// Each process has a name of its own, so that none is in the way of another.
    nobody: String,
    swapper: Swapper,
}

impl Rehearsal {
    pub fn new(home: Arc<Residence>) -> Self {
        Self {
            home,
            nobody: format!("{NOBODY}{}", fresh_mark()),
            swapper: Swapper::new(),
        }
    }

    /// Of the form, and of the account's index.
    fn keys(&self) -> [String; 2] {
        let keys = self.home.keys();
        [keys.form(&self.nobody, FORM_KEY), keys.index(&self.nobody)]
    }

    /// Reads as calls do, once it is clear where. What it finds was left by a probe that did not come to its end.
    pub async fn read(&self, connection: &mut Connection) -> Result<Mark, RedisError> {
        self.home.settle(connection).await?;
        let [form, _] = self.keys();
        let fields: Fields = redis::cmd("HGETALL").arg(&form).query_async(connection).await?;
        Ok(Mark(fields.get(MARK).cloned().unwrap_or_default()))
    }

    /// Another connection is used from now on.
    pub fn reconnected(&self) {
        self.home.look_everywhere();
    }

    /// Asks for the right to change what lies at `key`, and changes nothing: what was refused there was
    /// perhaps refused nowhere else.
    pub async fn look_at(&self, key: &str, connection: &mut Connection) -> Result<(), RedisError> {
        let no_mark = fresh_mark();
        let nothing = Change::default();
        let looked = self.swap([key, key], [&no_mark, &no_mark], &nothing, connection);
        match looked.await {
            // What lies there by now is no form: that is the trouble of one call, not of all.
            Err(error) if classify(&error).kind == Kind::Defect => Ok(()),
            looked => looked,
        }
    }

    /// Writes as calls do, and takes away what it wrote.
    pub async fn write(&self, Mark(found): &Mark, connection: &mut Connection) -> Result<(), RedisError> {
        let [form, index] = self.keys();
        let keys = [form.as_str(), &index];
        let field = "draft:probe".to_owned();
        let mark = fresh_mark();
        let put = put(field.clone());
        let take_away = Change {
            remove: vec![field],
            ..Change::default()
        };
        self.swap(keys, [found, &mark], &put, connection).await?;
        self.swap(keys, [&mark, &mark], &take_away, connection).await
    }

    /// `marks`: the one that is read, and the one from then on.
    async fn swap(
        &self,
        keys: [&str; 2],
        marks: [&str; 2],
        change: &Change,
        connection: &mut Connection,
    ) -> Result<(), RedisError> {
        let swap = Swap {
            keys,
            form_key: FORM_KEY,
            mark: marks[0],
            fresh_mark: marks[1],
            room: Room::Limited,
            change,
        };
        self.swapper.run(connection, &swap).await?;
        Ok(())
    }
}

fn put(field: String) -> Change {
    Change {
        set: vec![(field, String::new())],
        ..Change::default()
    }
}

#[cfg(test)]
mod tests {
    use private_servers::PrivateRedis;

    use super::*;

    #[tokio::test]
    async fn a_probe_that_was_cut_leaves_nothing_that_the_next_one_does_not_take_away() {
        let redis = PrivateRedis::start().unwrap();
        let client = redis::Client::open(redis.url()).unwrap();
        let mut connection = Connection::One(client.get_multiplexed_async_connection().await.unwrap());
        let rehearsal = Rehearsal::new(Arc::new(Residence::of("test".into())));
        let [form, index] = rehearsal.keys();
        let both = [form.as_str(), &index];
        let half = put("draft:probe".to_owned());
        rehearsal
            .swap(both, ["", "left"], &half, &mut connection)
            .await
            .unwrap();
        assert_eq!(redis.keys("*").unwrap().len(), 2);
        let mark = rehearsal.read(&mut connection).await.unwrap();
        rehearsal.write(&mark, &mut connection).await.unwrap();
        assert_eq!(redis.keys("*").unwrap(), Vec::<String>::new());
        let mark = rehearsal.read(&mut connection).await.unwrap();
        rehearsal.write(&mark, &mut connection).await.unwrap();
        assert_eq!(redis.keys("*").unwrap(), Vec::<String>::new());
        redis.command(&["SET", "test:other", "of somebody else"]).unwrap();
        rehearsal.look_at("test:other", &mut connection).await.unwrap();
    }
}
