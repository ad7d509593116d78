//! Maps and sets in order: std's, and in the browser lists kept in order under the same names.
//!
//! Each kind of key and value that std's tree is used with is compiled anew, 105 kB of the 400 kB that the rules
//! and their driver would be. A form has tens of columns, for which a list does as well. Both are held to the same
//! behaviour by the tests, and only what the rules call is here.

#[cfg(not(target_arch = "wasm32"))]
pub use std::collections::{BTreeMap, BTreeSet};

#[cfg(any(target_arch = "wasm32", test))]
mod map;
#[cfg(any(target_arch = "wasm32", test))]
mod set;

#[cfg(target_arch = "wasm32")]
pub use self::map::OrderedMap as BTreeMap;
#[cfg(target_arch = "wasm32")]
pub use self::set::OrderedSet as BTreeSet;

#[cfg(test)]
mod tests;
