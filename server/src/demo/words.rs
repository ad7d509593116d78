//! What the demo is told with.

/// (code, name, address, kind, floor area, guarded)
pub const SITES: [(&str, &str, &str, &str, &str, bool); 9] = [
    ("HAR", "Harbour Plant", "14 Quay Road\nBrightwater BW1 4QR", "plant", "18400.0", true),
    ("NOR", "North Works", "Unit 3, Foundry Lane\nAshford Mills AM7 2FL", "plant", "12650.5", true),
    ("RIV", "Riverside Mill", "2 Mill Race\nLower Denham LD3 9MR", "plant", "9800.0", false),
    ("CEN", "Central Warehouse", "Gate 6, Ringway East\nBrightwater BW9 1RE", "warehouse", "22100.0", true),
    ("SOU", "South Depot", "77 Junction Street\nMarston MR2 8JS", "warehouse", "7400.0", false),
    ("HOF", "Head Office", "Queen's House, 1 Market Square\nBrightwater BW1 1MS", "office", "3100.5", true),
    ("PS1", "Pumping Station Elm Brook", "Elm Brook Lane\nUpper Denham LD5 2EB", "pumping station", "240.0", false),
    ("PS2", "Pumping Station Weir Hill", "Weir Hill\nMarston MR6 3WH", "pumping station", "310.0", false),
    ("LAB", "Test Laboratory", "8 Science Park\nAshford Mills AM1 5SP", "office", "1250.0", true),
];

pub const FIRST_NAMES: [&str; 28] = [
    "Amira", "Ben", "Chloë", "Daniel", "Elena", "Farid", "Grace", "Henrik", "Ines", "Jakub", "Katarzyna", "Liam",
    "Maya", "Nikhil", "Olivia", "Pedro", "Quentin", "Rosa", "Søren", "Tomasz", "Uma", "Viktor", "Wanjiru", "Xavier",
    "Yusuf", "Zoë", "Aoife", "Bartosz",
];

pub const LAST_NAMES: [&str; 28] = [
    "Almeida", "Becker", "Castellanos", "Dubois", "Eriksen", "Fitzgerald", "García", "Hoffmann", "Ivanova", "Jansen",
    "Kowalski", "Lindqvist", "Müller", "Nakamura", "O'Brien", "Petrov", "Quinn", "Rossi", "Schäfer", "Takahashi",
    "Usman", "Varga", "Whitfield", "Yıldız", "Zhang", "Abara", "Brennan", "Costa",
];

/// (name, usual hours, needs approval, description)
pub const ACTIVITY_TYPES: [(&str, &str, bool, &str); 14] = [
    ("Visual inspection", "0.50", false, "Walk round the machine: leaks, noise, loose guards, dirt. Photograph what is new."),
    ("Lubrication", "0.75", false, "Grease and oil according to the lubrication chart. Wipe fittings before and after."),
    ("Filter change", "1.00", false, "Isolate, drain, change the element, bleed, and note the differential pressure."),
    ("Calibration", "2.00", true, "Compare with the reference instrument at three points and attach the certificate."),
    ("Vibration measurement", "1.00", false, "Measure at the marked points with the machine at normal load."),
    ("Thermography", "1.50", false, "Camera survey of switchgear and bearings under load. Cover at least 40 % of rated current."),
    ("Bearing replacement", "6.00", true, "Lock out, pull the coupling, replace both bearings, align to 0.05 mm, test for one hour."),
    ("Seal replacement", "4.00", false, "Lock out, drain, replace the mechanical seal and gaskets, refill, check after a day."),
    ("Electrical safety test", "1.50", true, "Insulation and earth resistance; record the readings for the statutory file."),
    ("Fire safety check", "1.00", true, "Extinguishers, hydrants, emergency lights and escape routes."),
    ("Software update", "2.50", true, "Back up the controller, update, run the acceptance list, keep the backup for a year."),
    ("Breakdown repair", "3.00", false, "Restore operation first, then describe cause and remedy."),
    ("Cleaning", "1.25", false, "Strainers, fins, sumps. Mind the disposal rules for what comes out."),
    ("Overhaul", "24.00", true, "Complete strip-down in the workshop following the manufacturer's manual."),
];

/// (tag prefix, what it is, makers, cheapest, dearest, parts)
pub const EQUIPMENT: [(&str, &str, &[&str], usize, usize, &[&str]); 16] = [
    ("PU", "Cooling water pump", &["Grundfos", "KSB", "Sulzer"], 4_200, 19_500, &["Motor", "Coupling", "Mechanical seal"]),
    ("PU", "Waste water pump", &["Xylem", "KSB", "Wilo"], 6_800, 31_000, &["Motor", "Level switch"]),
    ("CO", "Screw compressor", &["Atlas Copco", "Kaeser", "Boge"], 18_000, 64_000, &["Air end", "Motor", "Oil cooler", "Controller"]),
    ("CV", "Belt conveyor", &["Interroll", "Dorner"], 9_500, 42_000, &["Drive drum", "Gearbox", "Belt scale"]),
    ("FL", "Forklift truck", &["Linde", "Jungheinrich", "Toyota"], 21_000, 48_000, &["Battery"]),
    ("CR", "Overhead crane", &["Demag", "Konecranes"], 38_000, 140_000, &["Hoist", "Trolley"]),
    ("BO", "Steam boiler", &["Bosch", "Viessmann"], 52_000, 210_000, &["Burner", "Feed pump", "Safety valve"]),
    ("CH", "Chiller", &["Trane", "Carrier", "Daikin"], 27_000, 120_000, &["Compressor", "Condenser fan"]),
    ("AH", "Air handling unit", &["Systemair", "Trox"], 11_000, 39_000, &["Supply fan", "Heat wheel"]),
    ("SW", "Switchgear panel", &["ABB", "Siemens", "Schneider Electric"], 14_000, 88_000, &["Main breaker", "Protection relay"]),
    ("TR", "Transformer", &["Siemens", "SGB"], 45_000, 160_000, &[]),
    ("GE", "Emergency generator", &["Cummins", "Caterpillar"], 32_000, 110_000, &["Starter battery", "Fuel tank"]),
    ("MX", "Mixer", &["EKATO", "Lightnin"], 8_000, 27_000, &["Gearbox"]),
    ("FM", "Flow meter", &["Endress+Hauser", "KROHNE"], 1_400, 6_200, &[]),
    ("DR", "Roller door", &["Hörmann", "Butzbach"], 3_200, 9_800, &["Drive"]),
    ("EL", "Goods lift", &["KONE", "Otis"], 58_000, 130_000, &["Hoisting machine", "Door operator"]),
];

pub const PLACES: [&str; 14] = [
    "hall A", "hall B", "hall C", "line 1", "line 2", "line 3", "boiler house", "roof", "yard", "basement", "dock 4",
    "utility room", "east wing", "tank farm",
];

pub const FINDINGS: [&str; 22] = [
    "No findings.",
    "Slight oil film on the housing, no drips; watch it.",
    "Drive-end bearing noisier than last time.",
    "Belt tension was low, corrected.",
    "Guard had two bolts missing, replaced.",
    "Filter element was badly clogged: shorten the interval?",
    "Reading 0.4 bar below the log, gauge suspected.",
    "Terminal 7 discoloured by heat, re-terminated.",
    "Coolant topped up by 3 litres.",
    "Access was blocked by pallets again, talked to the shift lead.",
    "Alarm history cleared after copying it to the maintenance share.",
    "Vibration 4.1 mm/s at the non-drive end, limit is 4.5 mm/s.",
    "Label plate unreadable, new one ordered (\"type 2, stainless\").",
    "Insulation 180 MΩ, earth 0.11 Ω: both fine.",
    "Cracked sight glass replaced from stock.",
    "Rope within limits, next check in 6 months.",
    "Level switch stuck at 60 %, freed and tested three times.",
    "Firmware 4.2.1 installed, parameters compared with the backup: identical.",
    "Spare taken from store, please re-order one.",
    "Customer's operator reports a smell of burning at start; could not be reproduced.",
    "Drain was blocked with packaging film.",
    "Temperature at full load 71 °C, 6 K more than the twin unit.",
];

pub const REASONS: [&str; 12] = [
    "Tripped on overload at 05:40, restarted twice by the night shift.",
    "Operator heard grinding noise.",
    "Planned together with the line stop.",
    "Follow-up from the insurer's visit.",
    "Reported through the app with photo.",
    "Repeat of last month's fault; look for the cause this time.",
    "Pressure falls to 5 bar when the packing line starts.",
    "Seasonal check before winter.",
    "Leak found on the morning round.",
    "Spare part has arrived.",
    "Statutory date, must not slip.",
    "Requested by production: wants it back before Friday.",
];

pub const REMARKS: [&str; 20] = [
    "Part ordered, delivery in two weeks.",
    "Can we do this together with the filter change?",
    "Waiting for the permit.",
    "Done, please approve.",
    "Approved. Thanks for the photos.",
    "Why did this take so long?",
    "The hoist was in use, lost an hour.",
    "Wrong gasket delivered: it is the DN 80 we need, not DN 65.",
    "Postponed to the shutdown.",
    "Serial number on the plate differs from the system. I corrected it here.",
    "Please add the measurement sheet.",
    "Sheet is in the folder.",
    "Noise is back.\nMeasured again: 5.2 mm/s. I would not run it over the weekend.",
    "Agreed with production: Tuesday 06:00 to 09:00.",
    "Safety walk found nothing to add.",
    "Temporary fix only! Cable tie must go at the next stop.",
    "Tested under load for 30 minutes, all values fine.",
    "Who has the key for the switch room?",
    "Key is at the gate.",
    "Closing this, see the follow-up.",
];
