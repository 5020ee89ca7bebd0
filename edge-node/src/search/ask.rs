//! From what a person typed or scanned to a query. There are no operators: everything is words.
//!
//! Every score is a whole number given here, never a statistic of the index: an index that grew and one
//! that was made anew answer equally.

use protocol::id::{Label, Scanned};
use tantivy::Term;
use tantivy::query::{BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::entry::{Fields, Spoken, code_of, fine_term};
use super::sound::{Sound, sound};
use super::words::{digits, national, words};

/// Most letters that are read of what was typed.
const MAX_CHARS: usize = 256;
/// Most words that are asked for.
const MAX_WORDS: usize = 8;
/// From this many letters on a word may have one letter wrong.
const TYPO_LETTERS: usize = 5;

mod score {
    //! A whole code beats a telephone tail, a tail beats any word; among words the name beats the goods,
    //! and these the address.
    pub(super) const CODE: f32 = 10_000.0;
    pub(super) const TAIL: f32 = 5_000.0;
    pub(super) const CODE_PREFIX: f32 = 2_000.0;
    pub(super) const TAIL_INSIDE: f32 = 1_000.0;
    pub(super) const WORD: f32 = 100.0;
    pub(super) const FINE: f32 = 85.0;
    pub(super) const PREFIX: f32 = 75.0;
    pub(super) const SOUND: f32 = 60.0;
    pub(super) const STEM: f32 = 40.0;
    pub(super) const TYPO: f32 = 20.0;
    pub(super) const SOUND_TYPO: f32 = 12.0;
    pub(super) const THING_LESS: f32 = 3.0;
    pub(super) const UNLIKELY_LESS: f32 = 8.0;
    pub(super) const PLACE_LESS: f32 = 6.0;
}

struct Word {
    text: String,
    letters: usize,
    digits: bool,
    sound: Sound,
}

/// What a person asked for.
pub(super) struct Ask {
    /// The whole text as a code.
    codes: Vec<String>,
    /// The whole text as digits of a telephone number.
    number: Option<String>,
    words: Vec<Word>,
}

/// How much of an ask has to be met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Every word.
    All,
    /// Any word: the nearest there is, when nothing meets all.
    Any,
}

impl Ask {
    /// Reads a text; `None` when nothing is in it that could be searched for.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text: String = text.chars().take(MAX_CHARS).collect();
        let number = digits(&text).map(|digits| national(&digits).to_owned()).filter(|number| number.len() >= 3);
        // More digits than a number has: the last ones are what matters.
        let number = number.map(|number| number[number.len().saturating_sub(11)..].to_owned());
        let mut codes = Vec::new();
        match Label::scan(text.trim()) {
            Scanned::Label(label) => codes.push(label.plain()),
            Scanned::Subject(subject) => codes.push(subject.to_string()),
            Scanned::WrongDigit | Scanned::NotOurs => {}
        }
        let code = code_of(&super::words::normal(&text));
        if code.chars().count() >= 3 {
            codes.extend(code.strip_prefix("GT").filter(|rest| rest.len() >= 3).map(str::to_owned));
            codes.push(code);
        }
        let mut words: Vec<Word> = Vec::new();
        for text in self::words(&text) {
            if words.len() < MAX_WORDS && words.iter().all(|word| word.text != text) {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                words.push(Word { letters: text.chars().count(), digits, sound: sound(&text), text });
            }
        }
        (!words.is_empty()).then_some(Self { codes, number, words })
    }

    /// Whatever meets the ask: parcels and goods.
    pub(super) fn query(&self, fields: &Fields, need: Need) -> Box<dyn Query> {
        let mut whole: Vec<Box<dyn Query>> = Vec::new();
        for code in &self.codes {
            whole.push(exact(fields.code, code, score::CODE));
            whole.push(prefix(fields.code, code, score::CODE_PREFIX));
        }
        whole.extend(self.tail(fields));
        whole.push(self.each(need, |word| {
            let mut ways = word.spoken(fields.name, 0.0);
            ways.extend(word.spoken(fields.thing, score::THING_LESS));
            ways.extend(word.spoken(fields.place, score::PLACE_LESS));
            ways.extend(word.number(fields));
            ways
        }));
        Box::new(DisjunctionMaxQuery::new(whole))
    }

    /// Parcels of people who are called so or have such a number.
    pub(super) fn people(&self, fields: &Fields, need: Need) -> Box<dyn Query> {
        let mut whole = self.tail(fields);
        whole.push(self.each(need, |word| {
            let mut ways = word.spoken(fields.name, 0.0);
            ways.extend(word.number(fields));
            ways
        }));
        Box::new(DisjunctionMaxQuery::new(whole))
    }

    fn tail(&self, fields: &Fields) -> Vec<Box<dyn Query>> {
        self.number.iter().flat_map(|number| number_ways(fields, number)).collect()
    }

    fn each(&self, need: Need, ways: impl Fn(&Word) -> Vec<Box<dyn Query>>) -> Box<dyn Query> {
        let occur = if need == Need::All { Occur::Must } else { Occur::Should };
        let clauses = self.words.iter().map(|word| {
            let either: Box<dyn Query> = Box::new(DisjunctionMaxQuery::new(ways(word)));
            (occur, either)
        });
        Box::new(BooleanQuery::new(clauses.collect()))
    }
}

/// Parcels of one number, whole.
pub(super) fn of_number(fields: &Fields, phone: &str) -> Option<Box<dyn Query>> {
    super::words::tails(phone).pop().map(|number| exact(fields.tail, &number, 1.0))
}

impl Word {
    fn spoken(&self, field: Spoken, less: f32) -> Vec<Box<dyn Query>> {
        let mut ways = vec![exact(field.words, &self.text, score::WORD - less)];
        if self.letters >= 2 {
            ways.push(prefix(field.words, &self.text, score::PREFIX - less));
        }
        if self.letters >= TYPO_LETTERS && !self.digits {
            ways.push(one_edit(field.words, &self.text, score::TYPO - less));
        }
        // A word of two letters has too little sound to be told by it.
        if self.letters >= 3 {
            for (key, less) in self.sound.fine.iter().zip(likely(less)) {
                ways.push(exact(field.sounds, &fine_term(key), score::FINE - less));
            }
            for (key, less) in self.sound.keys.iter().zip(likely(less)) {
                ways.push(exact(field.sounds, key, score::SOUND - less));
                if key.len() >= TYPO_LETTERS {
                    ways.push(one_edit(field.sounds, key, score::SOUND_TYPO - less));
                }
            }
            for stem in self.sound.stems.iter().filter(|stem| stem.len() >= 2) {
                ways.push(prefix(field.sounds, stem, score::STEM - less));
            }
        }
        ways
    }

    /// Digits may be the end of a number, or stand inside of one.
    fn number(&self, fields: &Fields) -> Vec<Box<dyn Query>> {
        if self.digits && self.letters >= 3 { number_ways(fields, &self.text) } else { Vec::new() }
    }
}

/// The first key is the likeliest.
fn likely(less: f32) -> impl Iterator<Item = f32> {
    std::iter::once(less).chain(std::iter::repeat(less + score::UNLIKELY_LESS))
}

fn number_ways(fields: &Fields, number: &str) -> Vec<Box<dyn Query>> {
    let mut ways = vec![exact(fields.tail, number, score::TAIL)];
    if number.len() >= 4 {
        // The tails of a number begin at each of its digits.
        ways.push(prefix(fields.tail, number, score::TAIL_INSIDE));
    }
    ways
}

fn exact(field: Field, text: &str, score: f32) -> Box<dyn Query> {
    let query = TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic);
    Box::new(ConstScoreQuery::new(Box::new(query), score))
}

fn prefix(field: Field, text: &str, score: f32) -> Box<dyn Query> {
    let query = FuzzyTermQuery::new_prefix(Term::from_field_text(field, text), 0, false);
    Box::new(ConstScoreQuery::new(Box::new(query), score))
}

fn one_edit(field: Field, text: &str, score: f32) -> Box<dyn Query> {
    let query = FuzzyTermQuery::new(Term::from_field_text(field, text), 1, true);
    Box::new(ConstScoreQuery::new(Box::new(query), score))
}
