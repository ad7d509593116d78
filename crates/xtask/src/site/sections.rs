//! A WebAssembly module as the list of its sections: what each weighs, and other names for imports and exports.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use wasmparser::{BinaryReader, FunctionBody, Operator};

use super::order::Function;

const CUSTOM: u8 = 0;
const IMPORT: u8 = 2;
const FUNCTION: u8 = 3;
const EXPORT: u8 = 7;
const CODE: u8 = 10;
const DATA: u8 = 11;
/// The part of the notes `name` that has the functions'.
const FUNCTION_NAMES: u8 = 1;
const I32_CONST: u8 = 0x41;
const END: u8 = 0x0b;
/// A function's body: no variables, `unreachable`, `end`.
const STOPS: &[u8] = &[0, 0x00, END];

pub struct Module {
    sections: Vec<(u8, Vec<u8>)>,
}

impl Module {
    pub fn read(bytes: &[u8]) -> Result<Module> {
        ensure!(bytes.starts_with(b"\0asm\x01\0\0\0"), "this is no WebAssembly module");
        let mut reader = Reader { bytes, at: 8 };
        let mut sections = Vec::new();
        while reader.at < bytes.len() {
            let id = reader.byte()?;
            sections.push((id, reader.run()?.to_vec()));
        }
        Ok(Module { sections })
    }

    /// Without names, producers and other notes.
    pub fn without_notes(mut self) -> Module {
        self.sections.retain(|(id, _)| *id != CUSTOM);
        self
    }

    /// Imports and exports under the names given; the others keep theirs.
    pub fn renamed(mut self, names: &BTreeMap<String, String>) -> Result<Module> {
        for (id, section) in &mut self.sections {
            match *id {
                IMPORT => *section = renamed_imports(section, names)?,
                EXPORT => *section = renamed_exports(section, names)?,
                _ => {}
            }
        }
        Ok(self)
    }

    pub fn write(&self) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        for (id, section) in &self.sections {
            bytes.push(*id);
            write_run(&mut bytes, section);
        }
        bytes
    }

    /// Whoever calls one of these functions stops there.
    pub fn stopping_in(mut self, is_meant: impl Fn(&str) -> bool) -> Result<Module> {
        let first = self.section(IMPORT).map_or(Ok(0), imported_functions)?;
        let names = self.function_names()?;
        let mut code = Reader {
            bytes: self.section(CODE).context("a module without code")?,
            at: 0,
        };
        let (mut stopping, count) = (Vec::new(), code.number()?);
        write_number(&mut stopping, count as usize);
        for number in first..first + count {
            let body = code.run()?;
            let is_meant = names.get(&number).is_some_and(|name| is_meant(name));
            write_run(&mut stopping, if is_meant { STOPS } else { body });
        }
        for (_, section) in self.sections.iter_mut().filter(|(id, _)| *id == CODE) {
            section.clone_from(&stopping);
        }
        Ok(self)
    }

    /// Which of its own functions call which function by its name: who calls, who is called.
    pub fn calls(&self) -> Result<Vec<(String, String)>> {
        let names = self.function_names()?;
        let name = |number: &u32| names.get(number).cloned().unwrap_or_default();
        let first = self.section(IMPORT).map_or(Ok(0), imported_functions)?;
        let mut calls = Vec::new();
        for (caller, function) in (first..).zip(self.bodies()?) {
            for operator in FunctionBody::new(BinaryReader::new(function.body, 0)).get_operators_reader()? {
                if let Operator::Call { function_index } | Operator::ReturnCall { function_index } = operator? {
                    calls.push((name(&caller), name(&function_index)));
                }
            }
        }
        Ok(calls)
    }

    /// What stands in memory at the beginning, with `change` made to it: each run of bytes with the address of its first.
    pub fn with_memory(mut self, change: impl FnOnce(&mut Vec<(u32, Vec<u8>)>)) -> Result<Module> {
        let mut data = Reader {
            bytes: self.section(DATA).context("a module without data")?,
            at: 0,
        };
        let mut runs = Vec::new();
        for _ in 0..data.number()? {
            ensure!(data.number()? == 0, "data that is not there from the beginning");
            runs.push((data.address()?, data.run()?.to_vec()));
        }
        change(&mut runs);
        let mut changed = Vec::new();
        write_number(&mut changed, runs.len());
        for (address, bytes) in &runs {
            changed.extend([0, I32_CONST]);
            write_signed(&mut changed, *address as i32);
            changed.push(END);
            write_run(&mut changed, bytes);
        }
        for (_, section) in self.sections.iter_mut().filter(|(id, _)| *id == DATA) {
            section.clone_from(&changed);
        }
        Ok(self)
    }

    /// Bytes of code, bytes of data.
    pub fn weight(&self) -> (usize, usize) {
        let of = |wanted| {
            self.sections
                .iter()
                .filter(|(id, _)| *id == wanted)
                .map(|(_, section)| section.len())
                .sum()
        };
        (of(CODE), of(DATA))
    }

    /// The module's own functions, imported ones not among them.
    pub fn bodies(&self) -> Result<Vec<Function<'_>>> {
        let read = |bytes| Reader { bytes, at: 0 };
        let mut signatures = read(self.section(FUNCTION).context("a module without functions")?);
        let mut code = read(self.section(CODE).context("a module without code")?);
        signatures.number()?;
        let mut functions = Vec::new();
        for _ in 0..code.number()? {
            functions.push(Function {
                signature: signatures.number()?,
                body: code.run()?,
            });
        }
        Ok(functions)
    }

    /// With these names for its own functions, and no other notes.
    pub fn with_names(self, names: &[String]) -> Result<Module> {
        let first = self.section(IMPORT).map_or(Ok(0), imported_functions)?;
        let mut functions = Vec::new();
        write_number(&mut functions, names.len());
        for (number, name) in (first as usize..).zip(names) {
            write_number(&mut functions, number);
            write_run(&mut functions, name.as_bytes());
        }
        let mut notes = Vec::new();
        write_run(&mut notes, b"name");
        notes.push(FUNCTION_NAMES);
        write_run(&mut notes, &functions);
        let mut named = self.without_notes();
        named.sections.push((CUSTOM, notes));
        Ok(named)
    }

    /// Each function's name, as far as the notes tell it, and its bytes.
    pub fn functions(&self) -> Result<Vec<(String, usize)>> {
        let first = self.section(IMPORT).map_or(Ok(0), imported_functions)?;
        let names = self.function_names()?;
        let mut code = Reader {
            bytes: self.section(CODE).context("a module without code")?,
            at: 0,
        };
        let mut functions = Vec::new();
        for number in first..first + code.number()? {
            let length = code.run()?.len();
            functions.push((names.get(&number).cloned().unwrap_or_default(), length));
        }
        Ok(functions)
    }

    fn function_names(&self) -> Result<BTreeMap<u32, String>> {
        let mut names = BTreeMap::new();
        for (_, section) in self.sections.iter().filter(|(id, _)| *id == CUSTOM) {
            let mut notes = Reader { bytes: section, at: 0 };
            if notes.run()? != b"name" {
                continue;
            }
            while notes.at < section.len() {
                let (kind, part) = (notes.byte()?, notes.run()?);
                let mut part = Reader { bytes: part, at: 0 };
                if kind == FUNCTION_NAMES {
                    for _ in 0..part.number()? {
                        names.insert(part.number()?, part.text()?);
                    }
                }
            }
        }
        Ok(names)
    }

    fn section(&self, wanted: u8) -> Option<&[u8]> {
        self.sections
            .iter()
            .find(|(id, _)| *id == wanted)
            .map(|(_, section)| section.as_slice())
    }
}

fn renamed_imports(section: &[u8], names: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let mut reader = Reader { bytes: section, at: 0 };
    let count = reader.number()?;
    let mut renamed = Vec::new();
    write_number(&mut renamed, count as usize);
    for _ in 0..count {
        write_run(&mut renamed, reader.run()?);
        write_run(&mut renamed, name_for(&reader.text()?, names).as_bytes());
        let begins = reader.at;
        reader.import_kind()?;
        renamed.extend(&section[begins..reader.at]);
    }
    Ok(renamed)
}

fn renamed_exports(section: &[u8], names: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let mut reader = Reader { bytes: section, at: 0 };
    let count = reader.number()?;
    let mut renamed = Vec::new();
    write_number(&mut renamed, count as usize);
    for _ in 0..count {
        write_run(&mut renamed, name_for(&reader.text()?, names).as_bytes());
        renamed.push(reader.byte()?);
        write_number(&mut renamed, reader.number()? as usize);
    }
    Ok(renamed)
}

fn name_for<'a>(name: &'a str, names: &'a BTreeMap<String, String>) -> &'a str {
    names.get(name).map_or(name, String::as_str)
}

fn imported_functions(section: &[u8]) -> Result<u32> {
    let mut reader = Reader { bytes: section, at: 0 };
    let mut functions = 0;
    for _ in 0..reader.number()? {
        reader.run()?;
        reader.run()?;
        functions += u32::from(reader.import_kind()?);
    }
    Ok(functions)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8> {
        let byte = *self.bytes.get(self.at).context("the module breaks off")?;
        self.at += 1;
        Ok(byte)
    }

    /// Seven bits a byte, the lowest first: what they say without a sign, and with one.
    fn bits(&mut self) -> Result<(u64, i64)> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte()?;
            ensure!(shift < 35, "a number that is too long");
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let is_negative = byte & 0x40 != 0;
                let signed = number as i64 - if is_negative { 1 << shift } else { 0 };
                return Ok((number, signed));
            }
        }
    }

    fn number(&mut self) -> Result<u32> {
        Ok(u32::try_from(self.bits()?.0)?)
    }

    /// `i32.const` and `end`.
    fn address(&mut self) -> Result<u32> {
        ensure!(self.byte()? == I32_CONST, "data at an address that is no constant");
        let (_, address) = self.bits()?;
        ensure!(self.byte()? == END, "data at an address that is no constant");
        Ok(i32::try_from(address)? as u32)
    }

    /// A length, and as many bytes.
    fn run(&mut self) -> Result<&'a [u8]> {
        let length = self.number()? as usize;
        let run = self
            .bytes
            .get(self.at..self.at + length)
            .context("the module breaks off")?;
        self.at += length;
        Ok(run)
    }

    fn text(&mut self) -> Result<String> {
        Ok(String::from_utf8(self.run()?.to_vec())?)
    }

    /// Goes past what is imported, and answers whether it is a function.
    fn import_kind(&mut self) -> Result<bool> {
        let kind = self.byte()?;
        match kind {
            0 => drop(self.number()?),
            1 => {
                self.byte()?;
                self.limits()?;
            }
            2 => self.limits()?,
            3 => self.at += 2,
            other => anyhow::bail!("an import of the unknown kind {other}"),
        }
        Ok(kind == 0)
    }

    fn limits(&mut self) -> Result<()> {
        let has_maximum = self.byte()? & 1 == 1;
        self.number()?;
        if has_maximum {
            self.number()?;
        }
        Ok(())
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn write_signed(bytes: &mut Vec<u8>, mut number: i32) {
    loop {
        let (low, rest) = ((number & 0x7f) as u8, number >> 7);
        let is_last = rest == if low & 0x40 == 0 { 0 } else { -1 };
        bytes.push(if is_last { low } else { low | 0x80 });
        if is_last {
            return;
        }
        number = rest;
    }
}

fn write_run(bytes: &mut Vec<u8>, run: &[u8]) {
    write_number(bytes, run.len());
    bytes.extend(run);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Imports `m.imported`, exports its one function as `exported`, and has a note.
    const MODULE: &[u8] = b"\0asm\x01\0\0\0\
        \x01\x04\x01\x60\0\0\
        \x02\x0e\x01\x01m\x08imported\0\0\
        \x03\x02\x01\0\
        \x07\x0c\x01\x08exported\0\x01\
        \x0a\x04\x01\x02\0\x0b\
        \0\x0f\x04name\x01\x08\x01\x01\x05alpha";

    #[test]
    fn imports_and_exports_take_the_names_given_and_all_else_stays() {
        let module = Module::read(MODULE).expect("a module");
        assert_eq!(module.write(), MODULE);
        assert_eq!(module.functions().expect("names"), [("alpha".to_owned(), 2)]);
        let names = BTreeMap::from([("imported".into(), "a".into()), ("exported".into(), "b".into())]);
        let renamed = module.without_notes().renamed(&names).expect("a module").write();
        let expected = b"\0asm\x01\0\0\0\
            \x01\x04\x01\x60\0\0\
            \x02\x07\x01\x01m\x01a\0\0\
            \x03\x02\x01\0\
            \x07\x05\x01\x01b\0\x01\
            \x0a\x04\x01\x02\0\x0b";
        assert_eq!(renamed, expected);
    }

    #[test]
    fn functions_have_their_signatures_and_take_other_names() {
        let module = Module::read(MODULE).expect("a module");
        let bodies = module.bodies().expect("functions");
        assert_eq!(bodies.len(), 1);
        assert_eq!((bodies[0].signature, bodies[0].body), (0, &b"\0\x0b"[..]));
        let named = module.with_names(&["beta".to_owned()]).expect("a module");
        assert_eq!(named.functions().expect("names"), [("beta".to_owned(), 2)]);
        assert_eq!(Module::read(&named.write()).expect("a module").write(), named.write());
    }

    #[test]
    fn the_functions_meant_stop_and_no_other_does() {
        let read = || Module::read(MODULE).expect("a module");
        let other = read().stopping_in(|name| name == "beta").expect("a module");
        assert_eq!(other.write(), MODULE);
        let meant = read().stopping_in(|name| name == "alpha").expect("a module");
        assert_eq!(meant.section(CODE), Some(&b"\x01\x03\0\0\x0b"[..]));
        assert_eq!(meant.functions().expect("names"), [("alpha".to_owned(), 3)]);
    }

    #[test]
    fn memory_is_read_and_written_as_it_is_but_for_what_is_changed() {
        for address in [0, 63, 64, 127, 128, 1_048_576, u32::MAX - 1] {
            let mut data = vec![1, 0, I32_CONST];
            write_signed(&mut data, address as i32);
            data.extend([END, 2, b'a', b'b']);
            let read = || Module {
                sections: vec![(DATA, data.clone())],
            };
            let mut seen = Vec::new();
            let same = read().with_memory(|runs| seen.clone_from(runs)).expect("a module");
            assert_eq!(seen, [(address, b"ab".to_vec())]);
            assert_eq!(same.section(DATA), Some(data.as_slice()), "{address}");
            let other = read().with_memory(|runs| runs[0].1[0] = b'c').expect("a module");
            assert!(other.section(DATA).is_some_and(|other| other.ends_with(b"cb")));
        }
    }

    #[test]
    fn a_module_that_breaks_off_is_refused() {
        assert!(Module::read(&MODULE[..MODULE.len() - 3]).is_err());
        assert!(Module::read(b"<html>").is_err());
    }
}
