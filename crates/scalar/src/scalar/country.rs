use super::text::{Formatted, formatted};
use crate::{Letters, Problem, Schema};

/// `Country`: a code of two letters (ISO 3166-1 alpha-2) that is officially assigned, or `XK` (Kosovo), which is in
/// general use. Read in either case, kept in capitals.
pub(crate) struct Country;

const EXPECTED: &str = "a country code of ISO 3166-1, such as \"DE\"";

const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO \
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO \
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW \
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM \
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

impl Formatted for Country {
    const EXPECTED: &'static str = EXPECTED;
    const LETTERS: Letters = Letters::Upper;

    fn normal(text: &str) -> Result<String, Problem> {
        let code = text.trim().to_ascii_uppercase();
        let known = code.len() == 2 && CODES.split(' ').any(|known| known == code);
        known.then_some(code).ok_or(Problem::Expected(EXPECTED))
    }
}

formatted!(Country, "Country", Schema::pattern("^[A-Z]{2}$"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scalar, Token, Value};

    #[test]
    fn codes_are_those_of_the_standard() {
        let codes: Vec<&str> = CODES.split(' ').collect();
        assert_eq!(codes.len(), 249 + 1);
        assert!(codes.is_sorted());
        let check = |text: &str, expected: Result<&str, Problem>| {
            assert_eq!(Scalar::Country.read(Token::Text(text)), expected.map(Value::text), "{text}");
        };
        check("DE", Ok("DE"));
        check(" ch ", Ok("CH"));
        for bad in ["", "D", "DEU", "UK", "ZZ", "D ", "AD AE"] {
            check(bad, Err(Problem::Expected(EXPECTED)));
        }
    }
}
