use crate::harness::value;

#[tokio::test(flavor = "multi_thread")]
async fn decimals_are_exact() {
    let check = async |expression: &str, expected: &str| {
        let written = value(&format!("return {expression}")).await;
        assert_eq!(written, expected, "{expression}");
    };
    check("new Decimal('0.1').plus('0.2')", r#""0.3""#).await;
    check("new Decimal('12.50').times(3)", r#""37.50""#).await;
    check("new Decimal('12.50').times('0.19')", r#""2.3750""#).await;
    check("new Decimal('-1.05').minus(2)", r#""-3.05""#).await;
    check("new Decimal(10n).div(3, 'HALF_EVEN', 4)", r#""3.3333""#).await;
    check("new Decimal('2.00').div(3, 'UP')", r#""0.67""#).await;
    check("new Decimal('99999999999999999999.99').plus('0.01')", r#""100000000000000000000.00""#).await;
    for (mode, expected) in [
        ("HALF_EVEN", r#"["0","2","2","-0","-2"]"#),
        ("HALF_UP", r#"["1","2","3","-1","-2"]"#),
        ("HALF_DOWN", r#"["0","1","2","0","-1"]"#),
        ("UP", r#"["1","2","3","-1","-2"]"#),
        ("DOWN", r#"["0","1","2","0","-1"]"#),
        ("CEILING", r#"["1","2","3","0","-1"]"#),
        ("FLOOR", r#"["0","1","2","-1","-2"]"#),
    ] {
        let numbers = "['0.5','1.5','2.5','-0.5','-1.5']";
        check(&format!("{numbers}.map((n) => new Decimal(n).round(0, '{mode}'))"), &expected.replace("-0", "0")).await;
    }
    check("new Decimal('1.00').allocate([1, 1, 1])", r#"["0.34","0.33","0.33"]"#).await;
    check("new Decimal('-1.00').allocate([1, 1, 1])", r#"["-0.34","-0.33","-0.33"]"#).await;
    check("new Decimal('0.05').allocate(['0.5', 0, '1.5'])", r#"["0.02","0.00","0.03"]"#).await;
    check("new Decimal('1.10').equals('1.1')", "true").await;
    check("new Decimal('1.10').compare('1.2')", "-1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mixing_with_numbers_is_an_error() {
    let check = async |expression: &str, expected: &str| {
        assert_eq!(value(&format!("return {expression}")).await, expected, "{expression}");
    };
    let operators = "TypeError: a Decimal has no operators; write a.plus(b), a.times(b) or a.compare(b)";
    check("new Decimal('1') * 2", operators).await;
    check("new Decimal('1') + 2", operators).await;
    check("new Decimal('1') < new Decimal('2')", operators).await;
    check("new Decimal(0.1)", "TypeError: 0.1 isn't exact; write it as a string: new Decimal(\"0.1\")").await;
    check("new Decimal('1').times(0.19)", "TypeError: 0.19 isn't exact; write it as a string: new Decimal(\"0.19\")")
        .await;
    check("new Decimal('1e3')", "TypeError: \"1e3\" isn't a decimal number, such as \"12.50\"").await;
    check("new Decimal('1').div(0, 'UP')", "RangeError: division by zero").await;
    check(
        "new Decimal('1').div(3)",
        "TypeError: a rounding is one of HALF_EVEN, HALF_UP, HALF_DOWN, UP, DOWN, CEILING, FLOOR, not undefined",
    )
    .await;
    let money = "TypeError: an amount of money has no operators; write a.plus(b), a.times(2) or a.compare(b)";
    check("new Money('1.00', 'EUR') * 2", money).await;
    check(
        "new Money('1.00', 'EUR').plus(2)",
        "TypeError: a number isn't an amount of money; write new Money(\"12.50\", \"EUR\")",
    )
    .await;
    check(
        "new Money('1.00', 'EUR').plus(new Money('1.00', 'USD'))",
        "TypeError: amounts in EUR and USD can't be combined",
    )
    .await;
    check(
        "new Money('1.00', 'EUR').times('0.333')",
        "RangeError: the product isn't exact; say how to round it: price.times(\"0.19\", \"HALF_EVEN\")",
    )
    .await;
    check(
        "Array(20).fill().reduce((d) => d.times(d), new Decimal('9'))",
        "RangeError: the result has more than 1000 digits",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_keep_their_currency() {
    let check = async |expression: &str, expected: &str| {
        assert_eq!(value(&format!("return {expression}")).await, expected, "{expression}");
    };
    check("Money.from({ amount: '12.50', currency: 'EUR' }).times(3)", r#"{"amount":"37.50","currency":"EUR"}"#).await;
    check("new Money('12.50', 'EUR').times('0.19', 'HALF_EVEN')", r#"{"amount":"2.38","currency":"EUR"}"#).await;
    check("new Money('10.00', 'EUR').div(3, 'HALF_EVEN')", r#"{"amount":"3.33","currency":"EUR"}"#).await;
    check(
        "new Money('100', 'JPY').allocate([1, 2])",
        r#"[{"amount":"34","currency":"JPY"},{"amount":"66","currency":"JPY"}]"#,
    )
    .await;
    check("new Money('1.00', 'EUR').toString()", r#""1.00 EUR""#).await;
}
