//! Any text in any of the text formats ends in pages that keep their promises.

use ids_core::page::{ExtractedDocument, ExtractionNote};
use proptest::prelude::{Strategy, any, prop_oneof, proptest};

use crate::output::{Output, ParseError, ParsedPage};
use crate::sandbox::{Answer, Assembly, Frame};
use crate::{html, mail, markdown, plain, rtf, sheet, xml_text};

/// Gathers pages through the checks of the parent.
#[derive(Default)]
struct Checked(Assembly);

impl Output for Checked {
    fn details(&mut self, _title: Option<String>, _author: Option<String>) -> Result<(), ParseError> {
        Ok(())
    }

    fn total(&mut self, _pages: u32) -> Result<(), ParseError> {
        Ok(())
    }

    fn page(&mut self, page: ParsedPage) -> Result<(), ParseError> {
        self.0
            .take_frame(Frame::Page(page.into()))
            .map_err(|_| ParseError::Corrupt("a promise was broken"))
    }

    fn note(&mut self, _note: ExtractionNote) -> Result<(), ParseError> {
        Ok(())
    }
}

fn checked(parse: impl FnOnce(&mut dyn Output) -> Result<(), ParseError>) -> ExtractedDocument {
    let mut output = Checked::default();
    parse(&mut output).unwrap();
    output.0.finish().unwrap().finish()
}

/// The same for formats whose damage may be an answer.
fn unless_corrupt(
    parse: impl FnOnce(&mut dyn Output) -> Result<(), ParseError>,
) -> Option<ExtractedDocument> {
    let mut output = Checked::default();
    match parse(&mut output) {
        Err(ParseError::Corrupt(_)) => None,
        answer => {
            answer.unwrap();
            Some(output.0.finish().unwrap().finish())
        }
    }
}

/// Text with the pieces that parsers care about.
fn markup() -> impl Strategy<Value = String> {
    let pieces = [
        "<p>",
        "</p>",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<li>",
        "<ul>",
        "</ul>",
        "<h2>",
        "</h2>",
        "<br>",
        "<script>",
        "</script>",
        "<title>",
        "</title>",
        "<p hidden>",
        "<div hidden>",
        "</div>",
        "<pre>",
        "&amp;",
        "<caption>",
        "</caption>",
        "\n\n",
        "# ",
        "- ",
        "> ",
        "| a | b |\n|-|-|\n",
        "```\n",
        "[^1]: ",
        "[^1]",
        "---\n",
        "title: x\n",
        "\u{0}",
        "\u{c}",
        "\u{ad}",
        "\u{fffe}",
        "ação ",
        "🙂",
        "\r",
        "\u{2028}",
        "\u{85}",
        " ",
        "a|b",
        "{\\rtf1 ",
        "{\\*\\shpinst ",
        "{\\fonttbl{\\f1\\fcharset128 x;}}",
        "\\par ",
        "\\cell ",
        "\\row ",
        "\\intbl ",
        "\\u231?",
        "\\u-10179?\\u-8704?",
        "\\'e7",
        "\\f1 ",
        "{\\footnote ",
        "\\bin3 ",
        "}",
        "From: a@b\n",
        "Content-Type: multipart/mixed; boundary=x\n\n--x\n",
        "Content-Type: text/html\n\n",
        "--x--\n",
        ";",
        "\"",
        "\t",
        "<a b='c'>",
        "</a>",
        "<![CDATA[x]]>",
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_keeps_the_promises_of_a_page(text in markup()) {
        checked(|output| html::parse(text.clone().into_bytes(), output));
        checked(|output| markdown::parse(&text, output));
        checked(|output| plain::parse(&text, output));
        checked(|output| sheet::parse_csv(&text, output));
        checked(|output| rtf::parse(text.as_bytes(), output));
        if let Some(document) = unless_corrupt(|output| xml_text::parse(&text, output)) {
            assert_eq!(document.pages.len(), 1);
        }
        unless_corrupt(|output| mail::parse_eml(text.as_bytes(), output));
    }

    #[test]
    fn plain_text_loses_nothing_but_white_space_and_what_cannot_be_seen(text in "[a-zé \n\t]{0,200}") {
        let document = checked(|output| plain::parse(&text, output));
        let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(bare(&document.pages[0].text), bare(&text));
    }
}
