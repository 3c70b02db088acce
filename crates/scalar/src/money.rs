use std::cmp::Ordering;
use std::fmt;

use rust_decimal::Decimal;

/// Digits after the point with which amounts are stored, enough for every currency of ISO 4217.
pub const MONEY_SCALE: u32 = 4;

/// The codes of ISO 4217 that are in use or were until lately, in order.
const CODES: &str = "\
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD \
    CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
    GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW \
    KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD \
    NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE \
    SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED \
    VES VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG ZWL";

/// A currency: three capital letters of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency with this code; `None` if it isn't a code of ISO 4217.
    pub fn parse(text: &str) -> Option<Self> {
        /// A code and the space after it.
        const STEP: usize = 4;
        let wanted: [u8; 3] = text.as_bytes().try_into().ok()?;
        let codes = CODES.as_bytes();
        let (mut from, mut to) = (0, codes.len().div_ceil(STEP));
        while from < to {
            let middle = usize::midpoint(from, to);
            match codes[middle * STEP..middle * STEP + 3].cmp(&wanted) {
                Ordering::Equal => return Some(Self(wanted)),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    /// Every currency, in the order of the codes.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.split(' ').filter_map(Self::parse)
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("`parse` takes only codes of ISO 4217, which are ASCII")
    }

    /// Digits after the point in this currency's smallest unit (ISO 4217, "minor units"); 2 where it is not listed.
    pub fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why an amount and a currency are not money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// More digits after the point than the currency has.
    #[error("must have at most {} digits after the point: its currency is {currency}", currency.digits())]
    Digits {
        /// The currency.
        currency: Currency,
    },
    /// Does not fit 64 bits at four digits after the point.
    #[error("must be between -922337203685477.5807 and 922337203685477.5807")]
    Range,
}

/// An exact amount in a currency. Amounts of different currencies are never compared or added.
///
/// What is stored was made by [`Money::new`]. An amount that is computed may have more digits; `Scalar::fit` refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// Checks that the amount has no more digits after the point than the currency.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        if amount.normalize().scale() > currency.digits() {
            return Err(MoneyError::Digits { currency });
        }
        let money = Self::computed(amount, currency);
        money.in_ten_thousandths().map(|_| money).ok_or(MoneyError::Range)
    }

    /// An amount that is computed, with any number of digits.
    pub fn computed(amount: Decimal, currency: Currency) -> Self {
        Self { amount: amount.normalize(), currency }
    }

    /// Money as it is stored: ten-thousandths of the currency's unit.
    pub fn from_scaled(scaled: i64, currency: Currency) -> Self {
        Self::computed(Decimal::new(scaled, MONEY_SCALE), currency)
    }

    /// The amount in ten-thousandths of the currency's unit.
    ///
    /// # Panics
    /// Panics if the amount was computed and has more digits than a stored one.
    pub fn scaled(&self) -> i64 {
        self.in_ten_thousandths().expect("an amount that is stored was checked")
    }

    fn in_ten_thousandths(&self) -> Option<i64> {
        let missing = MONEY_SCALE.checked_sub(self.amount.scale())?;
        i64::try_from(self.amount.mantissa().checked_mul(10_i128.pow(missing))?).ok()
    }

    /// The amount, with at least as many digits after the point as the currency has.
    pub fn amount(&self) -> Decimal {
        let mut amount = self.amount;
        if amount.scale() < self.currency.digits() {
            amount.rescale(self.currency.digits());
        }
        amount
    }

    /// The currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(amount: &str, currency: &str, expected: &str) {
        let amount: Decimal = amount.parse().expect("a decimal");
        let got = Money::new(amount, Currency::parse(currency).expect("a currency"));
        let text = got.map_or_else(|e| e.to_string(), |m| format!("{} {} = {}", m.amount(), m.currency(), m.scaled()));
        assert_eq!(text, expected);
    }

    #[test]
    fn amounts_are_exact_in_their_currency() {
        check("12.5", "EUR", "12.50 EUR = 125000");
        check("-3", "JPY", "-3 JPY = -30000");
        check("12.345", "KWD", "12.345 KWD = 123450");
        check("12.345", "EUR", "must have at most 2 digits after the point: its currency is EUR");
        check("99999999999999999", "EUR", "must be between -922337203685477.5807 and 922337203685477.5807");
    }

    #[test]
    fn currencies_are_those_of_the_standard() {
        for code in CODES.split(' ') {
            assert_eq!(Currency::parse(code).map(|currency| currency.code().to_owned()).as_deref(), Some(code));
        }
        for wrong in ["", "eur", "EURO", "ZZZ", "AAA", "EUT", "E\u{20ac}", "ED ", "AED AFN"] {
            assert_eq!(Currency::parse(wrong), None, "{wrong}");
        }
    }
}
