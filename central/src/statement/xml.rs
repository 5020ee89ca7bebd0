//! A walk through an XML text that no text can turn into a trap: no DTD, no entities, a limited depth.

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::Unreadable;
use super::pages::truncated;

/// The deepest nesting; a camt.053 goes to about 15.
const MAX_DEPTH: usize = 64;

/// What reacts to the elements of an XML text. Paths hold local names from the root on; a name that the visitor does
/// not know is `""`.
pub(super) trait Visitor {
    /// The local names that matter.
    const NAMES: &'static [&'static str];
    /// An element begins; `currency` is its attribute `Ccy`.
    fn open(&mut self, path: &[&'static str], currency: Option<&str>) -> Result<(), Unreadable>;
    /// An element ends; `text` is its trimmed text.
    fn close(&mut self, path: &[&'static str], text: &str) -> Result<(), Unreadable>;
}

/// Walks through the whole text, whatever its namespaces and prefixes are.
pub(super) fn walk(text: &str, visitor: &mut impl Visitor) -> Result<(), Unreadable> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut state = State { path: Vec::new(), content: String::new(), seen_root: false, visitor };
    loop {
        match reader.read_event().map_err(|error| refusal(&error))? {
            Event::Eof if state.path.is_empty() && state.seen_root => return Ok(()),
            Event::Eof => return Err(truncated()),
            event => state.event(&event)?,
        }
    }
}

struct State<'v, V> {
    path: Vec<&'static str>,
    content: String,
    seen_root: bool,
    visitor: &'v mut V,
}

impl<V: Visitor> State<'_, V> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), Unreadable> {
        match event {
            Event::Start(tag) => return self.start(tag),
            Event::End(_) => {
                self.visitor.close(&self.path, self.content.trim())?;
                self.path.pop();
                self.content.clear();
            }
            Event::Text(text) if self.path.is_empty() && !text.trim().is_empty() => return Err(broken()),
            Event::Text(text) => self.content.push_str(&text.xml10_content()),
            Event::CData(text) => self.content.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => self.content.push_str(&resolved(reference)?),
            Event::DocType(_) => {
                return Err(Unreadable::file(
                    "xml_with_dtd",
                    "The XML file brings its own document type definition, which statements never do.",
                    "Download the statement from the bank again; do not upload a file from another source.",
                ));
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Unreadable> {
        if self.path.len() >= MAX_DEPTH {
            return Err(Unreadable::file(
                "xml_too_deep",
                format!("The XML file nests more than {MAX_DEPTH} elements."),
                "Check that the file is a camt.053 statement and download it again.",
            ));
        }
        if self.path.is_empty() && self.seen_root {
            return Err(broken());
        }
        self.seen_root = true;
        let local = tag.local_name();
        let name = V::NAMES.iter().copied().find(|name| *name == local.as_ref()).unwrap_or_default();
        self.path.push(name);
        self.content.clear();
        let attribute = tag.try_get_attribute("Ccy").map_err(|_| broken())?;
        self.visitor.open(&self.path, attribute.as_ref().map(|attribute| attribute.value.trim()))
    }
}

/// A character reference or one of the five entities that XML itself defines.
fn resolved(reference: &BytesRef<'_>) -> Result<String, Unreadable> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| broken())? {
        return Ok(character.to_string());
    }
    resolve_predefined_entity(reference).map(str::to_owned).ok_or_else(|| {
        Unreadable::file(
            "xml_entity",
            "The XML file uses an entity that XML does not define.",
            "Download the statement from the bank again; do not upload a file from another source.",
        )
    })
}

fn refusal(error: &Error) -> Unreadable {
    match error {
        Error::Syntax(SyntaxError::InvalidBangMarkup) => broken(),
        // Every other syntax error of the library is a construct that the end of the text leaves open.
        Error::Syntax(_) => truncated(),
        _ => broken(),
    }
}

fn broken() -> Unreadable {
    Unreadable::file(
        "broken_xml",
        "The file is not well-formed XML.",
        "Download the statement from the bank again and do not edit it.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Texts(Vec<String>);

    impl Visitor for Texts {
        const NAMES: &'static [&'static str] = &["a", "b"];
        fn open(&mut self, _: &[&'static str], _: Option<&str>) -> Result<(), Unreadable> {
            Ok(())
        }
        fn close(&mut self, path: &[&'static str], text: &str) -> Result<(), Unreadable> {
            self.0.push(format!("{}={text}", path.join("/")));
            Ok(())
        }
    }

    fn texts(text: &str) -> Result<Vec<String>, &'static str> {
        let mut texts = Texts::default();
        walk(text, &mut texts).map(|()| texts.0).map_err(|refusal| refusal.code)
    }

    #[test]
    fn prefixes_entities_of_xml_and_cdata_are_read() {
        let read = texts("<?xml version='1.0'?><x:a><!-- c --><y:b>1 &amp; &#x9E8;<![CDATA[<2>]]></y:b><c/></x:a>");
        assert_eq!(read, Ok(vec!["a/b=1 & ২<2>".to_owned(), "a/=".to_owned(), "a=".to_owned()]));
    }

    #[test]
    fn traps_and_broken_xml_are_refused() {
        let laughs = "<!DOCTYPE a [<!ENTITY l \"ha\"><!ENTITY m \"&l;&l;\">]><a>&m;</a>";
        let deep = "<a>".repeat(100_000);
        for (text, code) in [
            (laughs, "xml_with_dtd"),
            ("<a>&m;</a>", "xml_entity"),
            (deep.as_str(), "xml_too_deep"),
            ("<a><b>1</b>", "truncated"),
            ("<a><b>1</b", "truncated"),
            ("<a><b>1</a>", "broken_xml"),
            ("<a></a><a></a>", "broken_xml"),
            ("<a></a>text", "broken_xml"),
            ("<a>&#0;</a>", "broken_xml"),
            ("<a Ccy=BDT></a>", "broken_xml"),
            ("<a><!b></a>", "broken_xml"),
        ] {
            assert_eq!(texts(text), Err(code), "{text:.40}");
        }
    }
}
