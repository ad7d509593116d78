//! IndexedDB: what is written there survives a browser that is killed.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbTransactionMode,
};

use super::dom::window;
use super::seal;
use super::task::{callback, once};
use super::timer::within;

const DATABASE: &str = "inkfast";
const STORE: &str = "entries";
/// A database that does not open or answer by then is taken as absent for this time.
const LIMIT: Duration = Duration::from_millis(2_000);

thread_local! {
    static OPEN: RefCell<Option<IdbDatabase>> = const { RefCell::new(None) };
    /// The browser closed it, as some do with pages in the background: the next call opens it anew.
    static CLOSED: Cell<bool> = const { Cell::new(false) };
}

/// Opens the database, once. Without it everything below answers as if storage were forbidden.
pub async fn open() -> bool {
    if OPEN.with_borrow(Option::is_some) {
        return true;
    }
    let Ok(Some(factory)) = window().indexed_db() else {
        return false;
    };
    let Ok(request) = factory.open_with_u32(DATABASE, 1) else {
        return false;
    };
    let upgrade = request.clone();
    let make_store = once(move || {
        if let Some(database) = database_of(&upgrade) {
            let _ = database.create_object_store(STORE);
        }
    });
    request.set_onupgradeneeded(Some(make_store.unchecked_ref()));
    let opened = within(LIMIT, settled(&request))
        .await
        .and_then(|_| database_of(&request));
    if let Some(database) = &opened {
        close_when_asked(database);
    }
    OPEN.with_borrow_mut(|open| *open = opened);
    OPEN.with_borrow(Option::is_some)
}

fn database_of(request: &IdbOpenDbRequest) -> Option<IdbDatabase> {
    // Its answer is a database once it has one.
    request
        .result()
        .ok()
        .filter(JsValue::is_object)
        .map(JsCast::unchecked_into)
}

/// A later version of this program in another tab must not wait for this page.
fn close_when_asked(database: &IdbDatabase) {
    let closing = database.clone();
    let close = callback(Box::new(move |_| {
        closing.close();
        OPEN.set(None);
    }));
    database.set_onversionchange(Some(close.unchecked_ref()));
    let closed = callback(Box::new(|_| was_closed()));
    database.set_onclose(Some(closed.unchecked_ref()));
}

fn was_closed() {
    OPEN.set(None);
    CLOSED.set(true);
}

async fn open_again() {
    if CLOSED.replace(false) {
        open().await;
    }
}

/// Whether it is written, durably. The order of calls is the order of writes.
pub async fn write(key: &str, value: &str) -> bool {
    match seal::sealed(key, value) {
        Some(entry) => change(key, Some(&entry)).await,
        None => false,
    }
}

pub async fn remove(key: &str) -> bool {
    change(key, None).await
}

/// Says of what is there, if anything is, whether it may go.
pub type MayGo = Box<dyn Fn(Option<&str>) -> bool>;

/// Puts another entry in the place of one, or for `None` removes it, if what is there is as `may_go` says, in one
/// transaction: a write that comes later stays. Whether that is through, whatever was decided.
pub async fn change_if(key: &str, by: Option<String>, may_go: MayGo) -> bool {
    let by = match by.map(|by| seal::sealed(key, &by)) {
        Some(None) => return false,
        by => by.flatten(),
    };
    open_again().await;
    let Some((transaction, store)) = store(IdbTransactionMode::Readwrite) else {
        return false;
    };
    let done = completed(&transaction);
    let Ok(request) = store.get(&key.into()) else {
        return false;
    };
    let (read, name, owned) = (request.clone(), JsValue::from(key), key.to_owned());
    let decide = once(move || {
        let value = read.result().ok().and_then(|value| value.as_string());
        let value = value.map(|entry| seal::opened(&owned, entry));
        if may_go(value.as_deref()) {
            let _ = match by {
                Some(by) => store.put_with_key(&by.into(), &name),
                None => store.delete(&name),
            };
        }
    });
    request.set_onsuccess(Some(decide.unchecked_ref()));
    within(LIMIT, done).await.is_some()
}

async fn change(key: &str, by: Option<&str>) -> bool {
    open_again().await;
    let Some((transaction, store)) = store(IdbTransactionMode::Readwrite) else {
        return false;
    };
    let done = completed(&transaction);
    let ordered = match by {
        Some(value) => store.put_with_key(&value.into(), &key.into()),
        None => store.delete(&key.into()),
    };
    if ordered.is_err() {
        return false;
    }
    within(LIMIT, done).await.is_some()
}

/// All entries whose key begins so; none where the database is absent.
pub async fn entries(prefix: &str) -> Vec<(String, String)> {
    open_again().await;
    let Some((_, store)) = store(IdbTransactionMode::Readonly) else {
        return Vec::new();
    };
    let end = [prefix, "\u{ffff}"].concat();
    let Ok(range) = IdbKeyRange::bound(&prefix.into(), &end.as_str().into()) else {
        return Vec::new();
    };
    let (Ok(keys), Ok(values)) = (store.get_all_keys_with_key(&range), store.get_all_with_key(&range)) else {
        return Vec::new();
    };
    let both = Promise::all(&Array::of2(&settled(&keys), &settled(&values)));
    if within(LIMIT, both).await.is_none() {
        return Vec::new();
    }
    let list = |request: &IdbRequest| {
        request
            .result()
            .ok()
            .map(|result| Array::from(&result))
            .unwrap_or_default()
    };
    let (keys, values) = (list(&keys), list(&values));
    let pairs = keys.iter().zip(values.iter());
    pairs
        .filter_map(|(key, value)| {
            let (key, entry) = (key.as_string()?, value.as_string()?);
            let text = seal::opened(&key, entry);
            Some((key, text))
        })
        .collect()
}

fn store(mode: IdbTransactionMode) -> Option<(IdbTransaction, IdbObjectStore)> {
    let database = OPEN.with_borrow(Clone::clone)?;
    let Ok(transaction) = database.transaction_with_str_and_mode(STORE, mode) else {
        was_closed();
        return None;
    };
    let store = transaction.object_store(STORE).ok()?;
    Some((transaction, store))
}

fn settled(request: &IdbRequest) -> Promise {
    Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    })
}

fn completed(transaction: &IdbTransaction) -> Promise {
    Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onerror(Some(&reject));
        transaction.set_onabort(Some(&reject));
    })
}
