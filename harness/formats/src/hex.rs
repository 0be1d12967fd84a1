//! The fixtures' hexadecimal values, with errors that name the expected form.

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde::{Deserialize, Deserializer, de};
use std::{borrow::Cow, fmt};

/// An unsigned number of up to 256 bits: `0x` and hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Quantity(pub(crate) U256);

/// A number that may be too large for its type, because that is the case under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Number {
    Fits(U256),
    TooLarge,
}

/// Bytes: `0x` and an even number of hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Data(pub(crate) Bytes);

/// A number as the accounts of several clients have it: `0x` and hexadecimal digits, decimal digits
/// (geth's dumps and genesis files), or a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount(pub(crate) U256);

/// A word of storage: as [`Amount`], but digits without `0x` are hexadecimal (geth's dumps).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Word(pub(crate) U256);

/// A recipient: an address, or nothing for a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recipient(pub(crate) Option<Address>);

fn digits<'a>(text: &'a str, what: &str) -> Result<&'a str, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = digits
        .ok_or_else(|| format!("expected {what} with the prefix 0x, found `{}`", shown(text)))?;
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(digits);
    }
    match digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
        Some(odd) => Err(format!("expected {what}, found `{odd}` in `{}`", shown(text))),
        None => Ok(digits),
    }
}

/// The text, cut where it would fill the screen.
fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(70) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

fn number(text: &str) -> Result<Number, String> {
    let text = text.strip_prefix("0x:bigint ").unwrap_or(text);
    let digits = digits(text, "a hexadecimal number")?.trim_start_matches('0');
    if digits.len() > 64 {
        return Ok(Number::TooLarge);
    }
    let value = if digits.is_empty() { Ok(U256::ZERO) } else { U256::from_str_radix(digits, 16) };
    value.map(Number::Fits).map_err(|error| error.to_string())
}

fn quantity(text: &str) -> Result<Quantity, String> {
    match number(text)? {
        Number::Fits(value) => Ok(Quantity(value)),
        Number::TooLarge => Err(format!("expected at most 256 bits, found `{}`", shown(text))),
    }
}

fn amount(text: &str) -> Result<Amount, String> {
    let is_decimal = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if is_decimal {
        let value = U256::from_str_radix(text, 10);
        return value
            .map(Amount)
            .map_err(|_| format!("expected at most 256 bits, found `{}`", shown(text)));
    }
    quantity(text).map(|Quantity(value)| Amount(value))
}

fn storage_word(text: &str) -> Result<Word, String> {
    let has_prefix = text.starts_with("0x") || text.starts_with("0X");
    let value = if has_prefix { quantity(text) } else { quantity(&format!("0x{text}")) };
    value.map(|Quantity(value)| Word(value))
}

fn data(text: &str) -> Result<Data, String> {
    // Classic fixtures leave the prefix out where there is nothing to prefix.
    if text.is_empty() {
        return Ok(Data::default());
    }
    let digits = digits(text, "hexadecimal bytes")?;
    if digits.len() % 2 == 1 {
        let count = digits.len();
        return Err(format!(
            "expected an even number of digits, found {count} in `{}`",
            shown(text)
        ));
    }
    hex::decode(digits).map(|bytes| Data(bytes.into())).map_err(|error| error.to_string())
}

fn recipient(text: &str) -> Result<Recipient, String> {
    if text.is_empty() {
        return Ok(Recipient(None));
    }
    let bytes = data(text)?.0;
    let address = Address::try_from(bytes.as_ref());
    let wrong = |_| format!("expected an address of 20 bytes, found {} in `{text}`", bytes.len());
    address.map(|address| Recipient(Some(address))).map_err(wrong)
}

macro_rules! from_text {
    ($($type:ty = $parse:ident, $expecting:literal;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        $parse(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    )*};
}

/// As `from_text`, of types that may also be JSON numbers.
macro_rules! from_text_or_number {
    ($($type:ident = $parse:ident, $expecting:literal;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct TextOrNumber;
                impl de::Visitor<'_> for TextOrNumber {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        $parse(text).map_err(E::custom)
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$type, E> {
                        Ok($type(U256::from(number)))
                    }
                }
                deserializer.deserialize_any(TextOrNumber)
            }
        }
    )*};
}

from_text_or_number! {
    Amount = amount, "a number, or a string with a hexadecimal or decimal number";
    Word = storage_word, "a number, or a string with a hexadecimal number";
}

from_text! {
    Quantity = quantity, "a string with a hexadecimal number";
    Number = number, "a string with a hexadecimal number";
    Data = data, "a string with hexadecimal bytes";
    Recipient = recipient, "a string with an address, or an empty one";
}

impl Data {
    /// Reads `0x` and an even number of hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        data(text)
    }
}

impl Quantity {
    /// The number, where it fits 64 bits.
    pub(crate) fn as_u64(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }

    /// The number as a 256-bit word.
    pub(crate) fn as_word(self) -> B256 {
        self.0.into()
    }
}

/// A 64-bit number, for `deserialize_with`.
pub(crate) fn u64_quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let quantity = Quantity::deserialize(deserializer)?;
    quantity.as_u64().ok_or_else(|| de::Error::custom("expected at most 64 bits"))
}

/// A JSON object in the order of the file, keys repeated or not.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<K, V>(pub(crate) Vec<(K, V)>);

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Ordered<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<K, V>(std::marker::PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> de::Visitor<'de> for Object<K, V> {
            type Value = Ordered<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Object(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number("0x00ff"), Ok(Number::Fits(U256::from(255))));
        assert_eq!(number("0x"), Ok(Number::Fits(U256::ZERO)));
        assert_eq!(number(&format!("0x:bigint 0x1{}", "0".repeat(64))), Ok(Number::TooLarge));
        assert!(number("12").unwrap_err().contains("prefix 0x"));
        assert!(number("0x1g").unwrap_err().contains("found `g`"));
        assert!(quantity(&format!("0x1{}", "0".repeat(64))).unwrap_err().contains("256 bits"));
    }

    #[test]
    fn numbers_of_accounts() {
        assert_eq!(amount("16"), Ok(Amount(U256::from(16))));
        assert_eq!(amount("0x16"), Ok(Amount(U256::from(0x16))));
        assert_eq!(serde_json::from_str::<Amount>("16").unwrap(), Amount(U256::from(16)));
        assert!(serde_json::from_str::<Amount>("-1").is_err());
        assert!(amount("1g").is_err());
        assert_eq!(storage_word("2a"), Ok(Word(U256::from(42))));
        assert_eq!(storage_word("0x2a"), Ok(Word(U256::from(42))));
    }

    #[test]
    fn bytes() {
        assert_eq!(data("0x0102"), Ok(Data(Bytes::from_static(&[1, 2]))));
        assert!(data("0x010").unwrap_err().contains("even number of digits, found 3"));
        assert!(recipient("0x0102").unwrap_err().contains("20 bytes, found 2"));
        assert_eq!(recipient(""), Ok(Recipient(None)));
    }
}
