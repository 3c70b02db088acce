//! What functions have in common with browsers and other servers.

use crate::harness::value;

/// What a body returns, or how the error begins that it ends with.
async fn check(body: &str, expected: &str) {
    let found = value(body).await;
    let is_error = found.contains("Error: ");
    assert!(if is_error { found.starts_with(expected) } else { found == expected }, "{body}: {found}");
}

const HEX: &str =
    "const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
    const bytes = (text) => new TextEncoder().encode(text);";

#[tokio::test(flavor = "multi_thread")]
async fn digests_and_signatures_are_those_of_the_standards() {
    let check = async |body: &str, expected: &str| check(&format!("{HEX}{body}"), expected).await;
    check(
        "return hex(await crypto.subtle.digest('SHA-256', bytes('abc')))",
        r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
    )
    .await;
    let key = "const key = await crypto.subtle.importKey('raw', bytes('Jefe'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
        const data = bytes('what do ya want for nothing?');
        const signature = await crypto.subtle.sign('HMAC', key, data);";
    check(
        &format!("{key} return hex(signature)"),
        r#""5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843""#,
    )
    .await;
    check(
        &format!("{key} const other = new Uint8Array(signature.slice(0)); other[0] ^= 1;
            return [await crypto.subtle.verify('HMAC', key, signature, data), await crypto.subtle.verify('HMAC', key, other, data),
                await crypto.subtle.verify('HMAC', key, bytes('short'), data)]"),
        "[true,false,false]",
    )
    .await;
    check(
        "await crypto.subtle.digest('MD5', bytes('a'))",
        "NotSupportedError: \"MD5\" isn't supported; the digests are SHA-256, SHA-384, SHA-512",
    )
    .await;
    check(
        "await crypto.subtle.digest('SHA-256', 'a')",
        "TypeError: expected bytes: a Uint8Array or an ArrayBuffer; of a text, write new TextEncoder().encode(text)",
    )
    .await;
    check("return crypto.randomUUID()", r#""00010203-0405-4607-8809-0a0b0c0d0e0f""#).await;
    check("return [...crypto.getRandomValues(new Uint8Array(4))]", "[0,1,2,3]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_become_bytes_and_bytes_texts() {
    check("return [...new TextEncoder().encode('aé€😀')]", "[97,195,169,226,130,172,240,159,152,128]").await;
    check("return [...new TextEncoder().encode('\\ud800')]", "[239,191,189]").await;
    check("return new TextDecoder().decode(new Uint8Array([239, 187, 191, 226, 130, 172]))", "\"€\"").await;
    check("return new TextDecoder().decode(new Uint8Array([97, 255]))", "\"a\u{fffd}\"").await;
    check(
        "new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255]))",
        "TypeError: the bytes aren't UTF-8",
    )
    .await;
    check("new TextDecoder('latin1')", "RangeError: \"latin1\" isn't supported; texts are \"utf-8\"").await;
    check("return [btoa('a\\u00ff'), atob(' YfY= '), atob('YQ')]", r#"["Yf8=","aö","a"]"#).await;
    check("btoa('€')", "InvalidCharacterError: btoa takes letters up to U+00FF; encode a text with TextEncoder before")
        .await;
    check("atob('a')", "InvalidCharacterError: the text isn't Base64").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_are_read_and_changed() {
    check(
        "const url = new URL('../b?x=1#h', 'https://ada:pw@example.org:8443/a/c/');
         return [url.href, url.origin, url.host, url.port, url.pathname, url.search, url.hash, url.username]",
        r##"["https://ada:pw@example.org:8443/a/b?x=1#h","https://example.org:8443","example.org:8443","8443","/a/b","?x=1","#h","ada"]"##,
    )
    .await;
    check(
        "const url = new URL('https://example.org/?a=1'); url.searchParams.append('b', 'x y&'); url.pathname = '/p q'; url.port = '99999';
         const before = String(url); url.search = 'c=2'; return [before, url.searchParams.get('c'), url.searchParams.has('a')]",
        r#"["https://example.org/p%20q?a=1&b=x+y%26","2",false]"#,
    )
    .await;
    check("new URL('nowhere')", "TypeError: \"nowhere\" isn't a URL; a relative one needs a base").await;
    check(
        "return [URL.canParse('nowhere'), URL.parse('nowhere'), JSON.stringify(new URL('HTTP://EXAMPLE.org'))]",
        r#"[false,null,"\"http://example.org/\""]"#,
    )
    .await;
    check(
        "const params = new URLSearchParams({ b: '2', a: '1' }); params.append('a', 'ü'); params.sort();
         return [String(params), params.getAll('a'), [...params.keys()], params.size, String(new URLSearchParams('?x=%20&y'))]",
        r#"["a=1&a=%C3%BC&b=2",["1","ü"],["a","a","b"],3,"x=+&y="]"#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_copied_with_all_that_they_hold() {
    check(
        "const one = { d: new Date(0), m: new Map([[1, { a: [1, , 3] }]]), s: new Set([1n]), u: undefined }; one.self = one;
         const two = structuredClone(one); two.m.get(1).a[0] = 9;
         return [two.self === two, two !== one, two.d.toISOString(), one.m.get(1).a[0], two.s.has(1n), 'u' in two, 1 in two.m.get(1).a]",
        r#"[true,true,"1970-01-01T00:00:00.000Z",1,true,true,false]"#,
    )
    .await;
    check("structuredClone(() => 1)", "DataCloneError: a function can't be cloned").await;
    check("return structuredClone(new TypeError('a')) instanceof TypeError", "true").await;
    check("return [...structuredClone(new Uint8Array([1, 2, 3]).subarray(1))]", "[2,3]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moments_and_days_are_exact() {
    check("return Temporal.Now.instant()", "\"2026-02-02T02:40:00.123Z\"").await;
    check("return Temporal.Now.plainDateISO('America/Los_Angeles')", "\"2026-02-01\"").await;
    check("return Temporal.PlainDate.from('2026-01-31').add({ months: 1 })", "\"2026-02-28\"").await;
    check(
        "const day = Temporal.PlainDate.from('2024-02-29');
         return [day.year, day.dayOfWeek, day.daysInMonth, day.with({ day: 1 }), day.until('2025-03-01', { largestUnit: 'months' })]",
        r#"[2024,4,29,"2024-02-01","P12M1D"]"#,
    )
    .await;
    // The clock is put forward in the night between.
    check(
        "const before = Temporal.ZonedDateTime.from('2026-03-28T12:00[Europe/Berlin]'); const next = before.add({ days: 1 });
         return [next, before.until(next).hours, next.startOfDay().add('PT3H').hour, next.toInstant(), next.timeZoneId]",
        r#"["2026-03-29T12:00:00+02:00[Europe/Berlin]",23,4,"2026-03-29T10:00:00Z","Europe/Berlin"]"#,
    )
    .await;
    check(
        "const { Instant, PlainDate } = Temporal; const one = Instant.from('2026-01-01T00:00:00Z');
         return [Instant.compare(one, Instant.fromEpochMilliseconds(0)), one.equals('2026-01-01T01:00:00+01:00'),
           one.subtract({ hours: 36 }), PlainDate.from('2026-05-01').since('2026-04-01').days, one.epochMilliseconds]",
        r#"[1,true,"2025-12-30T12:00:00Z",30,1767225600000]"#,
    )
    .await;
    check("return Temporal.Duration.from({ days: 1, hours: 2 }).negated()", "\"-P1DT2H\"").await;
    check("Temporal.PlainDate.from('2026-02-30')", "RangeError").await;
    check("Temporal.Instant.from('2026-01-01')", "RangeError").await;
    check("Temporal.Now.zonedDateTimeISO('Mars/Olympus')", "RangeError").await;
    check("Temporal.Now.instant().add({ day: 1 })", "TypeError: a duration has no `day`").await;
    check("return Temporal.Now.instant() < 5", "TypeError: values of Temporal have no operators").await;
}
