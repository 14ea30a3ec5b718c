//! Function words of Portuguese and English: grammar, not content, so the index leaves them out.
//!
//! Lists of our own, by word class, folded (no accents, lower case), and short on purpose: a word that is content in one
//! language or in legal prose (*estado*, *caso*, *segundo*, *contra*) stays in. The words of both languages always go
//! together, since the language of a text is not asked for.

use std::collections::HashSet;
use std::sync::LazyLock;

static ALL: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| PORTUGUESE.iter().chain(ENGLISH).copied().collect());

/// Whether `key` (folded, lower case) is a function word of Portuguese or English.
pub fn is_stop_word(key: &str) -> bool {
    key.len() <= MAX_LEN && ALL.contains(key)
}

/// No function word is longer; saves hashing those that are.
const MAX_LEN: usize = 12;

#[rustfmt::skip]
/// Function words of Portuguese, folded.
pub const PORTUGUESE: &[&str] = &[
    // articles
    "a", "as", "o", "os", "um", "uma", "umas", "uns",
    // prepositions and their contractions
    "ante", "ao", "aos", "apos", "aquela", "aquelas", "aquele", "aqueles", "aquilo", "ate", "com",
    "conforme", "consoante", "da", "dai", "dalguns", "daquela", "daquelas", "daquele", "daqueles", "daqui",
    "daquilo", "das", "de", "dela", "delas", "dele", "deles", "dentre", "desde", "dessa", "dessas", "desse",
    "desses", "desta", "destas", "deste", "destes", "disso", "disto", "do", "dos", "dum", "duma", "dumas",
    "duns", "durante", "em", "entre", "mediante", "na", "naquela", "naquelas", "naquele", "naqueles",
    "naquilo", "nas", "nela", "nelas", "nele", "neles", "nessa", "nessas", "nesse", "nesses", "nesta",
    "nestas", "neste", "nestes", "nisso", "nisto", "no", "nos", "num", "numa", "numas", "nuns", "para",
    "pela", "pelas", "pelo", "pelos", "perante", "por", "pra", "pras", "pro", "pros", "sem", "sob", "sobre",
    // pronouns
    "algo", "alguem", "algum", "alguma", "algumas", "alguns", "ambas", "ambos", "cada", "comigo", "conosco",
    "consigo", "contigo", "convosco", "cuja", "cujas", "cujo", "cujos", "ela", "elas", "ele", "eles",
    "essa", "essas", "esse", "esses", "esta", "estas", "este", "estes", "eu", "isso", "isto", "la", "las",
    "lhe", "lhes", "lo", "los", "me", "mesma", "mesmas", "mesmo", "mesmos", "meu", "meus", "mim", "minha",
    "minhas", "nenhum", "nenhuma", "nenhumas", "nenhuns", "ninguem", "nossa", "nossas", "nosso", "nossos",
    "outra", "outras", "outrem", "outro", "outros", "quais", "quaisquer", "qual", "qualquer", "quanta",
    "quantas", "quanto", "quantos", "que", "quem", "se", "seu", "seus", "si", "sua", "suas", "tais", "tal",
    "te", "teu", "teus", "ti", "toda", "todas", "todo", "todos", "tu", "tua", "tuas", "tudo", "voce",
    "voces", "vos", "vossa", "vossas", "vosso", "vossos",
    // conjunctions
    "aonde", "assim", "como", "contudo", "donde", "e", "embora", "enquanto", "entao", "entretanto", "mas",
    "nem", "onde", "ou", "pois", "porem", "porquanto", "porque", "portanto", "quando", "quer", "seja",
    "sejam", "senao", "todavia",
    // adverbs
    "agora", "ai", "ainda", "ali", "antes", "apenas", "aqui", "bem", "demais", "depois", "ja", "jamais",
    "mais", "menos", "muita", "muitas", "muito", "muitos", "nao", "nunca", "pouca", "poucas", "pouco",
    "poucos", "quase", "sempre", "sim", "so", "somente", "talvez", "tambem", "tanta", "tantas", "tanto",
    "tantos", "tao",
    // ser
    "era", "eram", "eramos", "eras", "es", "foi", "fomos", "for", "foram", "foramos", "forem", "formos",
    "fosse", "fossem", "fossemos", "fui", "sao", "sendo", "ser", "sera", "serao", "serei", "seremos",
    "seria", "seriam", "seriamos", "sido", "sois", "somos", "sou",
    // estar
    "estamos", "estando", "estao", "estar", "estara", "estarao", "estaria", "estariam", "estava", "estavam",
    "estavamos", "esteja", "estejam", "estejamos", "esteve", "estive", "estivemos", "estiver", "estiveram",
    "estiverem", "estivesse", "estivessem", "estou",
    // ter
    "tem", "temos", "tendo", "tenha", "tenham", "tenhamos", "tenho", "tens", "ter", "tera", "terao",
    "terei", "teremos", "teria", "teriam", "teriamos", "teve", "tido", "tinha", "tinham", "tinhamos",
    "tive", "tivemos", "tiver", "tivera", "tiveram", "tiverem", "tivermos", "tivesse", "tivessem",
    "tivessemos",
    // haver
    "ha", "haja", "hajam", "hao", "havemos", "havendo", "haver", "havera", "haverao", "haveria", "haveriam",
    "havia", "haviam", "havido", "hei", "houve", "houver", "houveram", "houverem", "houvesse", "houvessem",
    // ir, poder, dever as auxiliaries
    "deve", "devem", "devera", "deverao", "deveria", "deveriam", "pode", "podem", "podera", "poderao",
    "poderia", "poderiam", "podia", "podiam", "vai", "vao", "vou",
];

#[rustfmt::skip]
/// Function words of English, folded.
pub const ENGLISH: &[&str] = &[
    // articles and determiners
    "a", "all", "an", "another", "any", "both", "each", "either", "every", "neither", "no", "other",
    "others", "same", "some", "such", "that", "the", "these", "this", "those",
    // prepositions
    "about", "above", "across", "after", "against", "among", "as", "at", "before", "below", "between", "by",
    "down", "during", "for", "from", "in", "into", "of", "off", "on", "onto", "out", "over", "per", "since",
    "than", "through", "to", "toward", "towards", "under", "until", "up", "upon", "via", "with", "within",
    "without",
    // pronouns
    "he", "her", "hers", "herself", "him", "himself", "his", "i", "it", "its", "itself", "me", "my",
    "myself", "our", "ours", "ourselves", "she", "their", "theirs", "them", "themselves", "they", "us",
    "we", "what", "whatever", "which", "who", "whoever", "whom", "whose", "you", "your", "yours",
    "yourself", "yourselves",
    // conjunctions and question words
    "although", "and", "because", "but", "else", "how", "if", "nor", "or", "so", "then", "though", "when",
    "where", "whether", "while", "why", "yet",
    // be, have, do and modal verbs
    "am", "are", "be", "been", "being", "can", "cannot", "could", "did", "do", "does", "doing", "had",
    "has", "have", "having", "is", "may", "might", "must", "ought", "shall", "should", "was", "were",
    "will", "would",
    // adverbs
    "again", "also", "even", "ever", "few", "here", "just", "least", "less", "many", "more", "most", "much",
    "never", "not", "now", "once", "only", "still", "there", "too", "very",
    // what is left of contractions
    "aren", "couldn", "didn", "doesn", "don", "hadn", "hasn", "haven", "isn", "ll", "re", "s", "shouldn",
    "t", "ve", "wasn", "weren", "wouldn",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_word_is_folded_and_short_enough_to_be_found() {
        for word in PORTUGUESE.iter().chain(ENGLISH) {
            assert!(word.bytes().all(|b| b.is_ascii_lowercase()), "`{word}`");
            assert!(is_stop_word(word), "`{word}`");
        }
    }

    #[test]
    fn content_words_are_kept() {
        for word in [
            "lei", "estado", "caso", "law", "right", "contra", "segundo", "time", "xyz",
        ] {
            assert!(!is_stop_word(word), "`{word}`");
        }
    }
}
