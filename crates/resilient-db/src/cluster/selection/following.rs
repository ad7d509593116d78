//! Whom a server follows, straight or through others: only what follows the present primary holds its history.

use resilient_core::time::Moment;

use super::{Selection, ServerId};

/// So many times in a row a server is seen to follow our writer before it counts as one of its own again.
const SEEN_TO_FOLLOW: u32 = 2;

impl Selection {
    pub(super) fn see_whom_it_follows(&mut self, now: Moment, id: ServerId) {
        let (follows, is_led) = (self.follows_writer(id), self.steady_writer().is_some());
        let is_led_by_another = self.writer.is_some_and(|writer| writer != id);
        let server = &mut self.servers[id];
        if !is_led_by_another || server.may_lead && server.writable_since.is_some() {
            return;
        }
        match follows {
            Some(true) => {
                server.following += 1;
                server.went_on = false;
                (server.followed, server.followed_at) = (true, Some(now));
                server.barred &= server.following < SEEN_TO_FOLLOW;
            }
            Some(false) => {
                server.went_on |= !is_led && server.followed_at.is_some();
                (server.following, server.followed_at) = (0, None);
                server.barred |= is_led && server.may_lead && !server.followed;
            }
            None => {
                server.following = 0;
                server.followed |= !server.barred;
            }
        }
    }

    /// `None` where that is not known.
    fn follows_writer(&self, id: ServerId) -> Option<bool> {
        let told = |id: ServerId| Some(&self.servers[id].answered.as_ref()?.1.replication);
        let relay = |id| -> Option<Relay<'_>> {
            let told = told(id)?;
            Some((told.identity?, told.follows.as_deref()))
        };
        let relays: Vec<Relay<'_>> = (0..self.servers.len()).filter_map(relay).collect();
        leads_to(told(self.writer?)?.identity?, told(id)?.follows.as_deref()?, &relays)
    }

    /// It follows our writer, and has heard it not longer ago than it may be late.
    pub(super) fn is_led(&self, now: Moment, id: ServerId) -> bool {
        let followed_at = self.servers[id].followed_at;
        match (self.writer, self.steady_writer()) {
            // Nobody knows whom it should follow.
            (None, _) => true,
            // There is nobody to hear.
            (Some(_), None) => followed_at.is_some(),
            (Some(_), Some(_)) => followed_at.is_some_and(|at| now.since(at) <= self.policy.max_lag),
        }
    }
}

/// A server that others may follow: its identity, and whom it follows itself, where that is known.
type Relay<'a> = (u64, Option<&'a [u64]>);

/// Whether who follows `sources` follows `primary`; `None` where that is not known of somebody on the way.
fn leads_to(primary: u64, sources: &[u64], relays: &[Relay<'_>]) -> Option<bool> {
    let (mut reached, mut next, mut all_known) = (sources.to_vec(), 0, true);
    while let Some(source) = reached.get(next).copied() {
        if source == primary {
            return Some(true);
        }
        for (_, sources) in relays.iter().filter(|(identity, _)| *identity == source) {
            all_known &= sources.is_some();
            let further = sources.unwrap_or_default().iter();
            let new: Vec<u64> = further.copied().filter(|source| !reached.contains(source)).collect();
            reached.extend(new);
        }
        next += 1;
    }
    all_known.then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_follows_the_primary_straight_or_through_others_or_another_one() {
        let relays: [Relay<'_>; 4] = [(2, Some(&[1])), (3, Some(&[2])), (4, None), (5, Some(&[6, 5]))];
        for (sources, follows) in [
            (&[1][..], Some(true)),
            (&[3], Some(true)),
            (&[9, 2], Some(true)),
            (&[9], Some(false)),
            (&[5], Some(false)),
            (&[], Some(false)),
            (&[4], None),
        ] {
            assert_eq!(leads_to(1, sources, &relays), follows, "{sources:?}");
        }
    }
}
