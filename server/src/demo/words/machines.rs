//! Kinds of machines, and where they stand.

/// A kind of machine.
pub struct Machine {
    /// In the middle of its tag.
    pub code: &'static str,
    pub name: &'static str,
    pub makers: &'static [&'static str],
    /// The cheapest and the dearest.
    pub price: (usize, usize),
    /// What has a record of its own below it.
    pub parts: &'static [&'static str],
}

const fn machine(
    code: &'static str,
    name: &'static str,
    price: (usize, usize),
    makers: &'static [&'static str],
    parts: &'static [&'static str],
) -> Machine {
    Machine {
        code,
        name,
        makers,
        price,
        parts,
    }
}

pub const MACHINES: [Machine; 16] = [
    machine(
        "PU",
        "Cooling water pump",
        (4_200, 19_500),
        &["Grundfos", "KSB", "Sulzer"],
        &["Motor", "Coupling", "Mechanical seal"],
    ),
    machine(
        "PU",
        "Waste water pump",
        (6_800, 31_000),
        &["Xylem", "KSB", "Wilo"],
        &["Motor", "Level switch"],
    ),
    machine(
        "CO",
        "Screw compressor",
        (18_000, 64_000),
        &["Atlas Copco", "Kaeser", "Boge"],
        &["Air end", "Motor", "Oil cooler", "Controller"],
    ),
    machine(
        "CV",
        "Belt conveyor",
        (9_500, 42_000),
        &["Interroll", "Dorner"],
        &["Drive drum", "Gearbox", "Belt scale"],
    ),
    machine(
        "FL",
        "Forklift truck",
        (21_000, 48_000),
        &["Linde", "Jungheinrich", "Toyota"],
        &["Battery"],
    ),
    machine(
        "CR",
        "Overhead crane",
        (38_000, 140_000),
        &["Demag", "Konecranes"],
        &["Hoist", "Trolley"],
    ),
    machine(
        "BO",
        "Steam boiler",
        (52_000, 210_000),
        &["Bosch", "Viessmann"],
        &["Burner", "Feed pump", "Safety valve"],
    ),
    machine(
        "CH",
        "Chiller",
        (27_000, 120_000),
        &["Trane", "Carrier", "Daikin"],
        &["Compressor", "Condenser fan"],
    ),
    machine(
        "AH",
        "Air handling unit",
        (11_000, 39_000),
        &["Systemair", "Trox"],
        &["Supply fan", "Heat wheel"],
    ),
    machine(
        "SW",
        "Switchgear panel",
        (14_000, 88_000),
        &["ABB", "Siemens", "Schneider Electric"],
        &["Main breaker", "Protection relay"],
    ),
    machine("TR", "Transformer", (45_000, 160_000), &["Siemens", "SGB"], &[]),
    machine(
        "GE",
        "Emergency generator",
        (32_000, 110_000),
        &["Cummins", "Caterpillar"],
        &["Starter battery", "Fuel tank"],
    ),
    machine("MX", "Mixer", (8_000, 27_000), &["EKATO", "Lightnin"], &["Gearbox"]),
    machine("FM", "Flow meter", (1_400, 6_200), &["Endress+Hauser", "KROHNE"], &[]),
    machine(
        "DR",
        "Roller door",
        (3_200, 9_800),
        &["Hörmann", "Butzbach"],
        &["Drive"],
    ),
    machine(
        "EL",
        "Goods lift",
        (58_000, 130_000),
        &["KONE", "Otis"],
        &["Hoisting machine", "Door operator"],
    ),
];

pub const PLACES: [&str; 14] = [
    "hall A",
    "hall B",
    "hall C",
    "line 1",
    "line 2",
    "line 3",
    "boiler house",
    "roof",
    "yard",
    "basement",
    "dock 4",
    "utility room",
    "east wing",
    "tank farm",
];
