//! JSON by the browser's own reader: what comes over the event stream is small and needs no types.

use js_sys::{Array, JSON, Reflect};
use wasm_bindgen::JsValue;

pub struct Json(JsValue);

impl Json {
    /// What cannot be read has nothing in it.
    pub fn read(text: &str) -> Self {
        Self(JSON::parse(text).unwrap_or(JsValue::UNDEFINED))
    }

    pub fn get(&self, name: &str) -> Self {
        // Of what is no object there is nothing to get.
        Self(Reflect::get(&self.0, &name.into()).unwrap_or(JsValue::UNDEFINED))
    }

    pub fn text(&self, name: &str) -> String {
        self.get(name).0.as_string().unwrap_or_default()
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).0.as_f64().map(|number| number as u64)
    }

    pub fn texts(&self, name: &str) -> Vec<String> {
        let list = self.get(name).0;
        if !Array::is_array(&list) {
            return Vec::new();
        }
        Array::from(&list).iter().filter_map(|text| text.as_string()).collect()
    }
}
