use backstay_base::Subnet;

use super::value::Wrong;

/// Reads addresses and networks.
pub(super) fn subnets(texts: &[String]) -> Result<Vec<Subnet>, Wrong> {
    Wrong::in_items(texts, |text| match text.parse::<Subnet>() {
        Ok(_) => Ok(()),
        Err(_) if is_host_name(text) => {
            Err(format!("`{text}` is a name; names aren't supported; write addresses or networks, such as 10.0.0.0/8"))
        }
        Err(_) => Err(format!("`{text}` is not an address or a network, such as 127.0.0.1 or 10.0.0.0/8")),
    })?;
    Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
}

/// Whether a text that is neither an address nor a network looks like the name of a host, perhaps with a port.
fn is_host_name(text: &str) -> bool {
    let host = text.split_once(':').map_or(text, |(host, _)| host);
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    host.bytes().all(of_name) && host.bytes().any(|byte| byte.is_ascii_alphabetic())
}
