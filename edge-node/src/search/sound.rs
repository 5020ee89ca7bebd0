//! How a word sounds, in one alphabet for Bangla and for Bangla in Latin letters ("Banglish").
//!
//! Nobody spells Banglish in one way: payaz, piyaj and পেঁয়াজ are one word. Three things hold across
//! spellings: the consonants, folded by how they are heard (চ/ছ, জ/য/ঝ/z, শ/ষ/স, ত/ট/থ/ঠ, দ/ড/ধ/ঢ, ন/ণ,
//! ব/ভ/v); a vowel that begins the word; and a clear vowel that ends it. They make the key. Vowels
//! between consonants are kept in a second, finer key that only ranks: চাল is nearer to `chal` than চুল.

/// Most keys of one word: letters that are heard in two ways (ছ, a single c, a first o) double them.
const MAX_KEYS: usize = 4;

/// The keys of one word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sound {
    /// Consonants, first and last vowel.
    pub(super) keys: Vec<String>,
    /// The same without the last vowel: what the key of a longer word begins with.
    pub(super) stems: Vec<String>,
    /// With the vowels in between.
    pub(super) fine: Vec<String>,
}

/// What is heard, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phone {
    Consonant(char),
    /// Heard as one or as the other.
    Either(char, char),
    /// `a`, `i` or `u`.
    Vowel(char),
    /// A first o: অ and ও are both written so.
    FirstO,
    /// Between two consonants, but nobody agrees how it is written.
    Weak,
}

/// How `word` sounds; empty for a word that is neither all Bangla nor all Latin letters.
pub(super) fn sound(word: &str) -> Sound {
    let mut phones = if word.chars().all(|c| ('\u{980}'..='\u{9ff}').contains(&c)) {
        bangla(word)
    } else if word.chars().all(|c| c.is_ascii_lowercase()) {
        latin(word)
    } else {
        Vec::new()
    };
    // আল্লাহ and Alla: the last h after a vowel is not heard.
    if let [.., Phone::Vowel(_), Phone::Consonant('h')] = phones[..] {
        phones.pop();
    }
    if !phones.iter().any(|phone| matches!(phone, Phone::Consonant(_) | Phone::Either(..))) {
        return Sound::default();
    }
    let stems = spell(&phones, |at| at == 0);
    let last = phones.len() - 1;
    Sound { keys: spell(&phones, |at| at == 0 || at == last), fine: spell(&phones, |_| true), stems }
}

/// Writes the phones with those vowels that `keep`; every way in which they may be heard, the likeliest first.
fn spell(phones: &[Phone], keep: impl Fn(usize) -> bool) -> Vec<String> {
    let mut keys = vec![String::new()];
    for (at, phone) in phones.iter().enumerate() {
        let heard: &[char] = match phone {
            Phone::Consonant(c) => &[*c],
            Phone::Either(one, other) if keys.len() * 2 <= MAX_KEYS => &[*one, *other],
            Phone::Either(one, _) => &[*one],
            Phone::FirstO => &['a', 'u'],
            Phone::Vowel(c) if keep(at) => &[*c],
            Phone::Vowel(_) | Phone::Weak => continue,
        };
        keys = keys.iter().flat_map(|key| heard.iter().map(move |c| format!("{key}{c}"))).collect();
    }
    keys
}

/// Adds a vowel; the same twice is a long one.
fn vowel(phones: &mut Vec<Phone>, vowel: Phone) {
    if phones.last() != Some(&vowel) {
        phones.push(vowel);
    }
}

/// Adds a consonant; one that is doubled is heard once.
fn consonant(phones: &mut Vec<Phone>, phone: Phone) {
    let heard_already = match (phones.last(), phone) {
        (Some(Phone::Consonant(last)), Phone::Either(one, _)) => *last == one,
        (last, _) => last == Some(&phone),
    };
    if !heard_already {
        phones.push(phone);
    }
}

const HASANTA: char = '\u{9cd}';
const NUKTA: char = '\u{9bc}';

fn bangla(word: &str) -> Vec<Phone> {
    let letters: Vec<char> = word.chars().collect();
    let mut phones = Vec::new();
    let at = |index: usize| letters.get(index).copied();
    for (index, c) in letters.iter().copied().enumerate() {
        let before = index.checked_sub(1).and_then(at);
        let joined_to = (before == Some(HASANTA)).then(|| index.checked_sub(2).and_then(at)).flatten();
        let dotted = at(index + 1) == Some(NUKTA);
        let heard = match c {
            'ক' | 'খ' => 'k',
            'গ' | 'ঘ' => 'g',
            'চ' => 'c',
            'জ' | 'ঝ' => 'j',
            'ট' | 'ঠ' | 'ত' | 'থ' | 'ৎ' => 't',
            'ড' | 'ঢ' if dotted => 'r',
            'ড' | 'ঢ' | 'দ' | 'ধ' => 'd',
            'ণ' | 'ন' => 'n',
            'প' => 'p',
            'ফ' => 'f',
            // লম্বা is heard with a b, বিশ্ব without.
            'ব' if joined_to.is_some_and(|first| !"মব".contains(first)) => continue,
            'ব' | 'ভ' => 'b',
            'ম' => 'm',
            'য' if joined_to.is_some() => continue,
            'য' if dotted => {
                vowel(&mut phones, Phone::Weak);
                continue;
            }
            'য' => 'j',
            'র' => 'r',
            'ল' => 'l',
            // ক্ষ is a long k.
            'ষ' if joined_to == Some('ক') => continue,
            'শ' | 'ষ' | 'স' => 's',
            'হ' => 'h',
            'ঞ' if joined_to == Some('জ') => {
                phones.pop();
                'g'
            }
            'ঞ' => 'n',
            'ছ' => {
                separate(&mut phones, joined_to);
                consonant(&mut phones, Phone::Either('c', 's'));
                continue;
            }
            'ং' | 'ঙ' => {
                separate(&mut phones, Some(c));
                consonant(&mut phones, Phone::Consonant('n'));
                if !(at(index + 1) == Some(HASANTA) && matches!(at(index + 2), Some('ক' | 'খ'))) {
                    consonant(&mut phones, Phone::Consonant('g'));
                }
                continue;
            }
            'ঋ' | 'ৃ' => {
                consonant(&mut phones, Phone::Consonant('r'));
                vowel(&mut phones, Phone::Vowel('i'));
                continue;
            }
            'আ' | 'া' => {
                vowel(&mut phones, Phone::Vowel('a'));
                continue;
            }
            'ই' | 'ঈ' | 'ি' | 'ী' => {
                vowel(&mut phones, Phone::Vowel('i'));
                continue;
            }
            // A last e is as often left out as written.
            'এ' | 'ঐ' | 'ে' | 'ৈ' => {
                vowel(&mut phones, if index + 1 == letters.len() { Phone::Weak } else { Phone::Vowel('i') });
                continue;
            }
            'উ' | 'ঊ' | 'ু' | 'ূ' => {
                vowel(&mut phones, Phone::Vowel('u'));
                continue;
            }
            'অ' if index == 0 => {
                vowel(&mut phones, Phone::Vowel('a'));
                continue;
            }
            'ও' | 'ঔ' if index == 0 => {
                vowel(&mut phones, Phone::Vowel('u'));
                continue;
            }
            'অ' | 'ও' | 'ঔ' | 'ো' | 'ৌ' => {
                vowel(&mut phones, Phone::Weak);
                continue;
            }
            _ => continue,
        };
        separate(&mut phones, joined_to);
        consonant(&mut phones, Phone::Consonant(heard));
    }
    phones
}

/// Two consonants that no hasanta joins have a vowel between them, though none is written.
fn separate(phones: &mut Vec<Phone>, joined_to: Option<char>) {
    if joined_to.is_none() && matches!(phones.last(), Some(Phone::Consonant(_) | Phone::Either(..))) {
        vowel(phones, Phone::Weak);
    }
}

fn latin(word: &str) -> Vec<Phone> {
    let letters = word.as_bytes();
    let mut phones = Vec::new();
    let mut index = 0;
    while let Some(c) = letters.get(index).copied() {
        let (next, first) = (letters.get(index + 1).copied(), index == 0);
        let last = index + 1 == letters.len();
        let after_vowel = matches!(phones.last(), Some(Phone::Vowel(_) | Phone::Weak | Phone::FirstO));
        let mut taken = 1;
        let phone = match c {
            b'a' => Phone::Vowel('a'),
            b'e' if next == Some(b'e') => {
                taken = 2;
                Phone::Vowel('i')
            }
            b'e' if last && !first => Phone::Weak,
            b'i' | b'e' => Phone::Vowel('i'),
            b'o' if next == Some(b'o') => {
                taken = 2;
                Phone::Vowel('u')
            }
            b'o' if first => Phone::FirstO,
            b'o' => Phone::Weak,
            b'u' => Phone::Vowel('u'),
            b'w' if first => Phone::Vowel('u'),
            b'w' => Phone::Weak,
            b'y' if first || (last && !after_vowel) => Phone::Vowel('i'),
            b'y' => Phone::Weak,
            b'c' if next == Some(b'h') => {
                // chh is one sound.
                taken = if letters.get(index + 2) == Some(&b'h') { 3 } else { 2 };
                Phone::Consonant('c')
            }
            b'c' if next == Some(b'k') => {
                taken = 2;
                Phone::Consonant('k')
            }
            b'c' if next == Some(b'c') => {
                index += 1;
                continue;
            }
            b'c' if matches!(next, Some(b'e' | b'i' | b'y')) => Phone::Either('c', 's'),
            b'c' => Phone::Either('c', 'k'),
            b'x' => {
                consonant(&mut phones, Phone::Consonant('k'));
                Phone::Consonant('s')
            }
            b'p' if next == Some(b'h') => {
                taken = 2;
                Phone::Consonant('f')
            }
            other => {
                // kh, gh, jh, zh, th, dh, bh, sh, rh: the breath is not told apart.
                if next == Some(b'h') && b"kgjztdbsr".contains(&other) {
                    taken = 2;
                }
                Phone::Consonant(match other {
                    b'q' => 'k',
                    b'z' => 'j',
                    b'v' => 'b',
                    other => char::from(other),
                })
            }
        };
        match phone {
            Phone::Consonant(_) | Phone::Either(..) => consonant(&mut phones, phone),
            other => vowel(&mut phones, other),
        }
        index += taken;
    }
    phones
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn of(word: &str) -> Sound {
        sound(&words(word)[0])
    }

    fn meet(one: &str, other: &str) -> bool {
        of(one).keys.iter().any(|key| of(other).keys.contains(key))
    }

    #[test]
    fn spellings_of_one_word_sound_alike() {
        for spellings in [
            &["চাল", "chal", "chaal", "cal", "চাউল", "chaul"][..],
            &["চিনি", "chini", "cini", "cheenee", "chinee"],
            &["সাবান", "shabaan", "saban", "shaban", "sabaan"],
            &["পেঁয়াজ", "payaz", "piyaj", "peyaj", "peyaaz", "পিয়াজ", "pyaj"],
            &["চট্টগ্রাম", "chattogram", "chottogram", "Chattagram"],
            &["রহিমা", "Rahima", "Rohima", "রাহিমা", "Raheema"],
            &["বেগম", "begum", "begom"],
            &["আক্তার", "Akter", "Aktar", "Akhtar", "আখতার"],
            &["চৌধুরী", "Chowdhury", "Choudhuri", "chaudhury"],
            &["হোসেন", "Hossain", "Hosen", "Hussein", "হোসাইন"],
            &["ইয়াসিন", "Yasin", "Yaseen", "ইয়াছিন"],
            &["আব্দুল্লাহ", "Abdullah", "Abdulla"],
            &["মিরপুর", "Mirpur", "Meerpur"],
            &["সাভার", "Savar", "Sabhar"],
            &["গাজীপুর", "Gazipur", "Gajipur"],
            &["ঢাকা", "Dhaka", "Daka"],
            &["কুমিল্লা", "Comilla", "Cumilla", "Kumilla"],
            &["বাংলা", "bangla"],
            &["পঞ্চগড়", "Panchagarh", "ponchogor"],
            &["ওমর", "Omar", "Umar", "উমর"],
            &["গুঁড়া", "gura", "guura"],
            &["কৃষি", "krishi", "krisi"],
            &["ভাই", "bhai", "vai"],
            &["রায়", "Ray", "Roy"],
            &["জ্ঞান", "gyan", "gan"],
            &["শিক্ষা", "shikkha", "sikha"],
            &["ছাগল", "chagol", "chhagol"],
            &["স্বামী", "swami", "shami"],
            &["বাচ্চা", "bachcha", "baccha", "bacca"],
        ] {
            for one in spellings {
                for other in spellings {
                    assert!(meet(one, other), "{one} {:?}, {other} {:?}", of(one), of(other));
                }
            }
        }
    }

    #[test]
    fn a_letter_that_is_heard_in_two_ways_meets_both() {
        for (heard_in_two_ways, one, other) in [("ছাগল", "chagol", "sagol"), ("মাছ", "mach", "mas")] {
            assert!(meet(heard_in_two_ways, one) && meet(heard_in_two_ways, other), "{:?}", of(heard_in_two_ways));
            assert!(!meet(one, other), "c and s stay two sounds: {one}, {other}");
        }
    }

    #[test]
    fn different_words_do_not() {
        for (one, other) in [
            ("চাল", "ছোলা"),
            ("চাল", "ডাল"),
            ("চিনি", "চাল"),
            ("রহিম", "রহিমা"),
            ("Rahim", "Rahman"),
            ("Karim", "Kamal"),
            ("সাবান", "sobuj"),
            ("আটা", "টাকা"),
        ] {
            assert!(!meet(one, other), "{one} {:?}, {other} {:?}", of(one), of(other));
        }
        assert!(of("চাল").fine.iter().any(|fine| of("chal").fine.contains(fine)));
        assert!(!of("চুল").fine.iter().any(|fine| of("chal").fine.contains(fine)), "hair is not rice, finely");
        assert_eq!(of("5kg"), Sound::default());
        assert_eq!(of("aeiou"), Sound::default());
        assert!(of(&"cchcoco".repeat(5)).keys.len() <= MAX_KEYS * 2);
    }
}
