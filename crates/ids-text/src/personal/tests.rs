//! Each kind in its forms, and what looks like one and is none.

use super::{PersonalKind, personal_data, same_value};

/// Checks which parts of `text` are found, as `KIND:part`.
fn check(text: &str, expected: &[&str]) {
    let chars: Vec<char> = text.chars().collect();
    let found: Vec<String> = personal_data(text)
        .into_iter()
        .map(|data| {
            let part: String = chars[data.start..data.end].iter().collect();
            format!("{}:{part}", data.kind.as_str())
        })
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn taxpayers_numbers_are_told_by_their_check_digits() {
    check("CPF 529.982.247-25, residente", &["CPF:529.982.247-25"]);
    check("o CPF nº 52998224725.", &["CPF:52998224725"]);
    check("529.982.247–25 (travessão)", &["CPF:529.982.247–25"]);
    check("529.982.247-26 e 111.111.111-11", &[]);
    check("CNPJ: 11.222.333/0001-81", &["CNPJ:11.222.333/0001-81"]);
    check("11222333000181", &["CNPJ:11222333000181"]);
    check("11.222.333/0001-82", &[]);
    check("CNPJ 12.ABC.345/01DE-35 (de 2026)", &["CNPJ:12.ABC.345/01DE-35"]);
    check("12ABC34501DE35", &[]);
    check("CNPJ 12ABC34501DE35", &["CNPJ:12ABC34501DE35"]);
    check("PIS/PASEP 120.56412.54-5", &["PIS:120.56412.54-5"]);
    check("NIS 12056412545", &["PIS:12056412545"]);
    check("120.56412.54-6", &[]);
}

#[test]
fn numbers_of_processes_laws_and_amounts_are_nobodys() {
    check("Processo nº 0001234-56.2024.8.13.0382, Lei 14.133/2021", &[]);
    check("R$ 1.234.567,89 em 12/03/2024, art. 37, § 6º", &[]);
    check("Pregão 045/2024, empenho 2024NE000123, item 12345678", &[]);
    check("norma NBR 9050 e ISO-9001; a conta de 2024 foi aprovada", &[]);
    check("por conta do contrato 12345678 firmado", &[]);
    check(
        "chave 3524 0114 2002 1234 5678 5500 1000 0012 3411 2345 6789",
        &[],
    );
}

#[test]
fn addresses_of_mail_and_telephones_are_found_without_a_word_in_front() {
    check(
        "escreva a maria.silva+rh@prefeitura.mg.gov.br.",
        &["EMAIL:maria.silva+rh@prefeitura.mg.gov.br"],
    );
    check("a@b, @prefeitura e x@y.1", &[]);
    check(
        "(35) 3829-1000 ou (35) 99812-3456",
        &["PHONE:(35) 3829-1000", "PHONE:(35) 99812-3456"],
    );
    check("+55 35 99812-3456", &["PHONE:+55 35 99812-3456"]);
    check("sala 204 (35) 3829-1000", &["PHONE:(35) 3829-1000"]);
    check("(20) 3829-1000", &[]);
    check(
        "Telefone: 3829-1000, 3829-2000 e 99812-3456",
        &["PHONE:3829-1000", "PHONE:3829-2000", "PHONE:99812-3456"],
    );
    check("celular 35998123456; 2019-2020", &["PHONE:35998123456"]);
    check("tel. 0800 722 0101", &["PHONE:0800 722 0101"]);
    check("o período 2019-2020", &[]);
}

#[test]
fn postal_codes_cards_and_plates_are_found_by_their_form() {
    check("Lavras/MG, CEP 37200-000", &["CEP:37200-000"]);
    check("37.200-000 e CEP: 37200000", &["CEP:37.200-000", "CEP:37200000"]);
    check("cartão 4111 1111 1111 1111", &["CARD:4111 1111 1111 1111"]);
    check("4111111111111112", &[]);
    check("9999 4111 1111 1111 1111 e 4111 1111 1111 1111 9999", &[]);
    check("veículo BRA2E19", &["PLATE:BRA2E19"]);
    check(
        "placas ABC-1234 e DEF 5678",
        &["PLATE:ABC-1234", "PLATE:DEF 5678"],
    );
    check("LEI 1234 e ABC-1234", &[]);
}

#[test]
fn cards_of_identity_and_accounts_are_told_by_the_word_in_front() {
    check("RG nº MG-12.345.678 SSP/MG", &["RG:MG-12.345.678"]);
    check("carteira de identidade n. 12.345.678-X", &["RG:12.345.678-X"]);
    check(
        "agência 1234-5, conta corrente nº 12.345-6",
        &["AGENCY:1234-5", "ACCOUNT:12.345-6"],
    );
    check("Ag.: 0412, C/C: 0098765-4", &["AGENCY:0412", "ACCOUNT:0098765-4"]);
    check("a agência atendeu 1234 pessoas", &[]);
}

#[test]
fn the_signs_between_groups_are_as_people_type_and_scans_have_them() {
    check(
        "529.982.247.25 e 529.982.247/25",
        &["CPF:529.982.247.25", "CPF:529.982.247/25"],
    );
    check(
        "529.982.247 - 25, 529.982.\n247-25",
        &["CPF:529.982.247 - 25", "CPF:529.982.\n247-25"],
    );
    check("CPF 5Z9", &[]);
    check(
        "CPF: S29.982.247-25 e CPF 529,982,247-25",
        &["CPF:S29.982.247-25", "CPF:529,982,247-25"],
    );
    check("item S29.982.247-25", &[]);
    check(
        "11.222.333/0001.81; 11.222.333 / 0001-81",
        &["CNPJ:11.222.333/0001.81", "CNPJ:11.222.333 / 0001-81"],
    );
    check("PIS 120.5641.254-5", &["PIS:120.5641.254-5"]);
    check(
        "tel. 35-3829-1000, cel.: (31)9.9812-3456",
        &["PHONE:35-3829-1000", "PHONE:(31)9.9812-3456"],
    );
    check("Tel. res.: 0800 7220 101", &["PHONE:0800 7220 101"]);
    check("(12) 2023-2024", &[]);
    check("Centro, Lavras/MG - 37200 – 000", &["CEP:37200 – 000"]);
    check(
        "veículo ABC-1234; veículo GOL 2015; veículo ABC 1D23",
        &["PLATE:ABC-1234", "PLATE:ABC 1D23"],
    );
    check("identidade RG 12.345.678-9 SSP", &["RG:12.345.678-9"]);
    check("RG MG- 12.345.678", &["RG:MG- 12.345.678"]);
    check(
        "ana@exemplo. com.br, jo @ufla.br, x@saude,gov.br",
        &[
            "EMAIL:ana@exemplo. com.br",
            "EMAIL:jo @ufla.br",
            "EMAIL:x@saude,gov.br",
        ],
    );
    check("ana@exemplo.org. Com isso", &["EMAIL:ana@exemplo.org"]);
}

#[test]
fn addresses_of_machines_and_words_in_capitals_are_nobodys() {
    // Its digits are those of a taxpayer's number.
    check("o servidor 123.123.123.87", &[]);
    check("CPF 123.123.123.87", &["CPF:123.123.123.87"]);
}

#[test]
fn positions_count_characters() {
    let found = personal_data("Ação: CPF 529.982.247-25");
    assert_eq!((found[0].start, found[0].end), (10, 24));
}

#[test]
fn two_ways_to_write_a_value_are_one() {
    let same = |kind, a, b| assert_eq!(same_value(kind, a), same_value(kind, b));
    same(PersonalKind::Cpf, "529.982.247-25", "52998224725");
    same(PersonalKind::Email, "A@b.org", "a@B.org");
    same(PersonalKind::Phone, "+55 (35) 3829-1000", "3538291000");
}

proptest::proptest! {
    #[test]
    fn any_text_is_looked_through_and_what_is_found_is_in_order(text in "[0-9A-Za-z.@/()+ \\-éº–]{0,120}") {
        let length = text.chars().count();
        let mut end = 0;
        for data in personal_data(&text) {
            proptest::prop_assert!(data.start >= end && data.end > data.start && data.end <= length);
            end = data.end;
        }
    }
}
