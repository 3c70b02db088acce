//! `/docs`: the interactive documentation of the API, by Swagger UI. Its licence is beside its files.

use http::{HeaderValue, StatusCode};

use crate::admission::Admitted;
use crate::answer::{Answer, Audience};
use crate::credentials;
use crate::endpoint::DocsPart;
use crate::page::{escape, interactive};

const PAGE: &str = include_str!("docs/page.html");
const SCRIPT: &str = include_str!("docs/page.js");
const STYLE: &str = include_str!("docs/page.css");
const VIEWER: &[u8] = include_bytes!("docs/swagger-ui/swagger-ui-bundle.js");
const VIEWER_STYLE: &[u8] = include_bytes!("docs/swagger-ui/swagger-ui.css");

/// Where the viewer is, without its endings. The version in the path lets browsers keep it for good.
const VIEWER_PATH: &str = "/docs/swagger-ui-5.35.0";

const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");

/// `GET /docs` and the files of the page.
pub(crate) async fn answer(admitted: &Admitted<'_>, part: DocsPart) -> Answer {
    let file = |audience, file: &'static [u8], content_type| {
        Answer::ready(StatusCode::OK, audience, file.into()).of_type(content_type)
    };
    match part {
        DocsPart::Page => page(admitted).await,
        DocsPart::Script => file(Audience::Public, SCRIPT.as_bytes(), JAVASCRIPT),
        DocsPart::Style => file(Audience::Public, STYLE.as_bytes(), CSS),
        DocsPart::Viewer => file(Audience::Unchanging, VIEWER, JAVASCRIPT),
        DocsPart::ViewerStyle => file(Audience::Unchanging, VIEWER_STYLE, CSS),
    }
}

/// The page. It is for everyone, also with a session that has ended; `/auth/me` tells its script who is signed in.
async fn page(admitted: &Admitted<'_>) -> Answer {
    let recognized = credentials::recognize(admitted.head()).await;
    let signed_in = recognized.is_ok_and(|recognized| recognized.audience() == Audience::Private);
    let text = PAGE
        .replace("{viewer}", VIEWER_PATH)
        .replace("{signed_in}", if signed_in { "true" } else { "false" })
        .replace("{name}", &escape(&admitted.state().engine.model().name));
    interactive(text)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::endpoint::{VIEWER_SCRIPT_PATH, VIEWER_STYLE_PATH};

    #[test]
    fn the_viewer_is_as_published() {
        let check = |file: &[u8], digest: &str| {
            assert_eq!(format!("{:x}", Sha256::digest(file)), digest);
        };
        check(VIEWER, "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2");
        check(VIEWER_STYLE, "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d");
        assert_eq!(VIEWER_SCRIPT_PATH, format!("{VIEWER_PATH}.js"));
        assert_eq!(VIEWER_STYLE_PATH, format!("{VIEWER_PATH}.css"));
    }
}
