//! Two schemas in the manner of real ones.

use super::served;
use super::walk::{Known, Walk, Walked};

const SHOP: Known = Known {
    set_by_trigger: &[("product", "updated_at"), ("orders", "updated_at")],
    values: &[
        ("brand", "founded", "1950"),
        ("brand", "founded", "1960"),
        ("campaign", "runs", "[2027-01-01,2027-02-01)"),
        ("campaign", "runs", "[2027-03-01,2027-04-01)"),
        ("campaign", "runs", "[2027-05-01,2027-06-01)"),
        ("category", "slug", "other"),
        ("category", "slug", "another"),
        ("category", "slug", "a-third"),
        ("country", "code", "FR"),
        ("currency", "code", "USD"),
        ("customer", "email", "One@example.org"),
        ("customer", "email", "two@example.org"),
        ("customer", "email", "three@example.org"),
        ("invoice", "number", "R9"),
        ("invoice", "order_id", "2"),
        ("invoice", "order_id", "3"),
        ("page", "path", "/fresh"),
        ("product", "sku", "FRESH-1"),
        ("product", "sku", "FRESH-2"),
        ("product", "sku", "FRESH-3"),
        ("product", "dimensions", "{4,5,6}"),
        ("product_image", "url", "https://img.example/9.jpg"),
        ("product_image", "url", "https://img.example/8.jpg"),
        ("shipment", "shipped_at", "2026-01-22 08:00:00"),
        ("shipment_line", "order_id", "1"),
        ("shipment_line", "line_no", "2"),
        ("staff", "badge", "11110000"),
        ("voucher", "discount", "7.00"),
        ("voucher", "discount", "8.00"),
    ],
    full: &[],
    secrets: &["password_hash", "card_last4", "api_token"],
    unreadable: &[],
    both_ends: false,
};

const HOSPITAL: Known = Known {
    set_by_trigger: &[("patient", "updated_at"), ("patient", "updates")],
    values: &[
        ("absence", "days", "[2026-03-01,2026-03-05)"),
        ("absence", "days", "[2026-03-06,2026-03-08)"),
        ("absence", "days", "[2027-01-01,2027-01-03)"),
        ("bed", "building_id", "1"),
        ("bed", "room_number", "OP/1"),
        ("billing.claim", "stay_id", "2"),
        ("billing.claim", "stay_id", "3"),
        ("clinical.bed_use", "building_id", "2"),
        ("clinical.bed_use", "room_number", "OP/1"),
        ("clinical.bed_use", "letter", "B"),
        ("clinical.diagnosis", "icd", "I10"),
        ("clinical.diagnosis", "icd", "I11"),
        ("clinical.diagnosis", "certainty", "V"),
        ("clinical.diagnosis", "certainty", "A"),
        ("clinical.operation", "room_number", "2.14"),
        ("clinical.operation", "room_number", "OP/1"),
        ("clinical.stay", "admitted_at", "2026-01-30 10:00:00+00"),
        ("clinical.stay", "admitted_at", "2026-01-30 11:00:00+00"),
        ("clinical.vital_sign", "temperature", "38.5"),
        ("department", "color", "#ff0000"),
        ("department", "phone", "040 55"),
        ("department", "phone", "040 56"),
        ("device", "room_number", "OP/1"),
        ("patient", "insurance_number", "B123456789"),
        ("patient", "insurance_number", "C123456789"),
        ("patient", "insurance_number", "D123456789"),
        ("patient", "height_cm", "150"),
        ("patient", "phone", "040 55"),
        ("patient_contact", "rank", "5"),
        ("patient_contact", "phone", "040 55"),
        ("Pharmacy.Dispensing", "PZN", "00000002"),
        ("Pharmacy.Dispensing", "Lot #", "#2"),
    ],
    full: &[],
    secrets: &["pin", "iban"],
    unreadable: &[],
    both_ends: false,
};

async fn walked(schema: &str, known: Known) -> Walked {
    let (_postgres, app, witness) = served(schema).await;
    Walk::new(&app, witness, known).all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_a_shop_is_listed_read_and_saved_exactly() {
    let walked = walked(include_str!("shop.sql"), SHOP).await;
    println!("shop: {walked:?}");
    assert!(
        walked.tables >= 50 && walked.columns >= 250 && walked.saves >= 250 && walked.deleted >= 45,
        "{walked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_a_hospital_is_listed_read_and_saved_exactly() {
    let walked = walked(include_str!("hospital.sql"), HOSPITAL).await;
    println!("hospital: {walked:?}");
    assert!(
        walked.tables >= 45 && walked.columns >= 200 && walked.saves >= 200 && walked.deleted >= 40,
        "{walked:?}"
    );
}
