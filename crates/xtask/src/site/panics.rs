//! A released module stops where it panics, and says nothing: it has no hook, so nobody would hear it. Then what puts it into
//! words and the places in the source are of no use, and go.

use anyhow::{Result, ensure};
use std::collections::{BTreeMap, BTreeSet};

use super::optimise;
use super::sections::Module;
use super::weight::without_hashes;

/// Every panic ends in it, so a module without one is not as rustc makes them today.
const END: &str = "__rustc::rust_begin_unwind";
/// What leads there, and never comes back.
const ENDS: [&str; 23] = [
    END,
    // In words only where a panic says what an error was: `clippy::use_debug` keeps watch over the browser's code.
    "<wasm_bindgen::JsValue as core::fmt::Debug>::fmt",
    "<std::thread::local::AccessError as core::fmt::Debug>::fmt",
    "<core::cell::BorrowError as core::fmt::Display>::fmt",
    "<core::cell::BorrowMutError as core::fmt::Display>::fmt",
    "<alloc::vec::Vec<_, _>>::insert_mut::assert_failed",
    "<alloc::vec::Vec<_, _>>::remove::assert_failed",
    "alloc::alloc::handle_alloc_error",
    "alloc::raw_vec::handle_error",
    "core::cell::lazy::panic_poisoned",
    "core::cell::panic_already_borrowed",
    "core::cell::panic_already_mutably_borrowed",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::panicking::panic",
    "core::panicking::panic_bounds_check",
    "core::panicking::panic_const::panic_const_async_fn_resumed",
    "core::panicking::panic_fmt",
    "core::result::unwrap_failed",
    "core::slice::copy_from_slice_impl::len_mismatch_fail",
    "core::slice::index::slice_index_fail",
    "std::alloc::rust_oom",
    "std::thread::local::panic_access_error",
];
/// What a panic takes along, and is called by nothing else.
const PAYLOADS: [&str; 2] = ["<std::panicking::panic_handler::", "<std::panicking::begin_panic::"];

/// Bytes of a `core::panic::Location`: address and length of the file's name, line, column.
const LOCATION: usize = 16;
/// Longer is no file's name.
const LONGEST_NAME: usize = 400;

/// # Errors
/// Where the module's functions have other names than rustc gives them, or one puts values into words with `format!`.
pub fn silenced(module: Module) -> Result<Module> {
    let functions = module.functions()?;
    ensure!(
        functions.iter().any(|(name, _)| readable(name) == END),
        "no function of the module is {END}: where it panics cannot be told"
    );
    let stopping = module.stopping_in(|name| {
        let name = readable(name);
        ENDS.contains(&name.as_str()) || PAYLOADS.iter().any(|payload| name.starts_with(payload))
    })?;
    let stopping = without_formatting(stopping)?;
    let mut lowest = u32::MAX;
    let silenced = stopping.with_memory(|runs| {
        lowest = runs.iter().map(|(address, _)| *address).fold(lowest, u32::min);
        forget_locations(runs);
    })?;
    ensure!(
        lowest >= optimise::LOW_MEMORY,
        "data at {lowest}: wasm-opt is told that nothing is below {}",
        optimise::LOW_MEMORY
    );
    Ok(silenced)
}

/// Once no panic is put into words, nothing in the browser is: what `format!` is made of is left only because tables name
/// it. Should something call it again, the build says what.
fn without_formatting(module: Module) -> Result<Module> {
    let calls = module.calls()?.into_iter();
    let calls = calls.map(|(caller, called)| (readable(&caller), readable(&called)));
    let calling: BTreeSet<String> = calls
        .filter(|(caller, called)| formats(called) && !formats(caller))
        .map(|(caller, called)| format!("{caller} calls {called}"))
        .collect();
    ensure!(
        calling.is_empty(),
        "the browser's code formats, which takes 1.2 kB of each cold page: join the parts with `concat`\n{}",
        calling.into_iter().collect::<Vec<_>>().join("\n")
    );
    module.stopping_in(|name| formats(&readable(name)))
}

/// Whether this function is a part of what `format!` does.
fn formats(name: &str) -> bool {
    name == "core::fmt::write" || name.starts_with("<core::fmt::") || name.contains(" as core::fmt::")
}

/// As a person reads it, and without rustc's hashes.
fn readable(name: &str) -> String {
    without_hashes(&rustc_demangle::demangle(name).to_string())
}

/// What names a source file is a place in the source; both become zeros, which wasm-opt leaves out.
fn forget_locations(runs: &mut [(u32, Vec<u8>)]) {
    let mut names = BTreeMap::new();
    let mut locations = Vec::new();
    for (run, (address, bytes)) in runs.iter().enumerate() {
        let unaligned = (4 - *address as usize % 4) % 4;
        for at in (unaligned..bytes.len()).step_by(4) {
            let Some(&[a, b, c, d, e, f, g, h]) = bytes.get(at..at + 8) else {
                break;
            };
            let (name, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
            if at + LOCATION <= bytes.len()
                && let Some(place) = source_file(runs, name, length as usize)
            {
                names.insert(place, length as usize);
                locations.push((run, at));
            }
        }
    }
    for (run, at) in locations {
        runs[run].1[at..at + LOCATION].fill(0);
    }
    for ((run, at), length) in names {
        runs[run].1[at..at + length].fill(0);
    }
}

/// Where this name stands, if it is a source file's.
fn source_file(runs: &[(u32, Vec<u8>)], address: u32, length: usize) -> Option<(usize, usize)> {
    if length > LONGEST_NAME {
        return None;
    }
    runs.iter().enumerate().find_map(|(run, (begins, bytes))| {
        let at = address.checked_sub(*begins)? as usize;
        let name = bytes.get(at..at + length)?;
        let is_name = name.ends_with(b".rs") && name.iter().all(u8::is_ascii_graphic);
        is_name.then_some((run, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &[u8] = b"src/a.rs";

    fn words(words: [u32; 4]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn places_in_the_source_go_and_all_else_stays() {
        let (text, name) = (b"read src/a.rs".to_vec(), [NAME, b"kept"].concat());
        let place = words([2_000, 8, 12, 3]);
        let part_of_a_text = words([1_000, 13, 12, 3]);
        let shorter = words([2_000, 7, 12, 3]);
        let mut runs = [
            (999, text.clone()),
            (2_000, name),
            (3_000, [&place[..], &part_of_a_text, &shorter].concat()),
        ];
        forget_locations(&mut runs);
        assert_eq!(runs[0].1, text);
        assert_eq!(runs[1].1, b"\0\0\0\0\0\0\0\0kept");
        assert_eq!(runs[2].1, [&[0; LOCATION][..], &part_of_a_text, &shorter].concat());
    }

    #[test]
    fn who_formats_is_told_and_what_only_tables_name_stops() {
        // Two functions without parameters, the first of which calls the second.
        let module = |caller: &str| {
            let bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x03\x02\0\0\x0a\x09\x02\x04\0\x10\x01\x0b\x02\0\x0b";
            let names = [caller.to_owned(), "core::fmt::write".to_owned()];
            Module::read(bytes)?.with_names(&names)
        };
        let refused = module("form::paint").and_then(without_formatting).map(|_| ());
        let told = refused.expect_err("it formats").to_string();
        assert!(told.contains("form::paint calls core::fmt::write"), "{told}");
        let stopping = module("<u32 as core::fmt::Display>::fmt").and_then(without_formatting);
        let bodies = stopping.and_then(|module| module.functions());
        let bytes: Vec<usize> = bodies.expect("a module").into_iter().map(|(_, bytes)| bytes).collect();
        assert_eq!(bytes, [3, 3]);
    }

    #[test]
    fn what_reaches_over_the_end_is_no_place() {
        let mut runs = [
            (0, Vec::new()),
            (2_000, NAME.to_vec()),
            (3_000, words([2_000, 8, 12, 3])[..12].to_vec()),
        ];
        let before = runs.clone();
        forget_locations(&mut runs);
        assert_eq!(runs, before);
        let mut runs = [(2_000, words([2_000, 400, 12, 3]))];
        let before = runs.clone();
        forget_locations(&mut runs);
        assert_eq!(runs, before);
    }
}
