//! Addresses of networks and hardware. How far a short form stands for a whole address, only the
//! database knows; here only what can be none is refused.

pub fn refused_network_address(text: &str) -> Option<String> {
    (!is_made_of(text, ".:/"))
        .then(|| "Write an address such as 192.168.0.1, 192.168.0.1/24 or 2001:db8::1.".to_owned())
}

pub fn refused_network(text: &str) -> Option<String> {
    (!is_made_of(text, ".:/")).then(|| "Write a network such as 192.168.0.0/24 or 2001:db8::/32.".to_owned())
}

pub fn refused_hardware_address(text: &str) -> Option<String> {
    (!is_made_of(text, ":.-")).then(|| "Write an address such as 08:00:2b:01:02:03.".to_owned())
}

fn is_made_of(text: &str, signs: &str) -> bool {
    let text = text.trim();
    text.contains(|letter: char| letter.is_ascii_hexdigit() || letter == ':')
        && text
            .chars()
            .all(|letter| letter.is_ascii_hexdigit() || signs.contains(letter))
}
