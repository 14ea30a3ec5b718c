//! Official texts, generated: where each value stands is known.

use ids_text::personal::PersonalKind::{
    self, Account, Agency, Card, Cep, Cnpj, Cpf, Email, Phone, Pis, Plate, Rg,
};

use crate::random::{Random, ascii, card, cnpj, cpf, filled, pis};

/// A page, and the values in it as (kind, start, end) in characters.
pub struct Page {
    pub text: String,
    pub values: Vec<(PersonalKind, usize, usize)>,
}

/// So many pages, the same for the same seed.
pub fn pages(count: usize, seed: u64) -> Vec<Page> {
    let mut random = Random(seed);
    (0..count).map(|_| Writer::new(&mut random).page()).collect()
}

struct Writer<'a> {
    random: &'a mut Random,
    page: Page,
    at: usize,
}

/// Sentences: `{KIND}` stands for a value, `{LIKE}` for what only looks like one.
const SENTENCES: [&str; 34] = [
    "Nomeia {NAME}, inscrito no CPF sob o nº {CPF}, para o cargo de assistente administrativo.",
    "Fica designada a servidora {NAME}, CPF {CPF} e RG nº {RG}, como fiscal do contrato.",
    "A empresa Construtora Lavras Ltda., CNPJ nº {CNPJ}, com sede na Rua das Flores, CEP {CEP}, foi habilitada.",
    "Contratada: {NAME} ME, inscrita no CNPJ/MF sob o nº {CNPJ}, neste ato representada por {NAME}, CPF nº {CPF}.",
    "Os interessados devem escrever para {EMAIL} ou ligar para o telefone {PHONE}.",
    "Contato: {PHONE} e {PHONE}, de segunda a sexta, das 8h às 17h.",
    "O pagamento será feito na agência {AGENCY}, conta corrente nº {ACCOUNT}, do Banco do Brasil.",
    "Depósito: Ag. {AGENCY}, C/C {ACCOUNT}, em nome de {NAME}.",
    "O veículo de placa {PLATE} pertence à Secretaria de Saúde.",
    "Foram recolhidos os veículos de placas {PLATE} e {PLATE}.",
    "Despesa paga com o cartão {CARD}, em nome de {NAME}.",
    "Beneficiária: {NAME}, NIS {PIS}, residente no bairro Centro, CEP {CEP}.",
    "PIS/PASEP nº {PIS}, carteira de identidade nº {RG}, e-mail {EMAIL}.",
    "{NAME} ({CPF}), {NAME} ({CPF}) e {NAME} ({CPF}) compareceram à sessão.",
    "Celular {PHONE}; correio eletrônico {EMAIL}.",
    "Portador do RG {RG}, SSP/MG, e do CPF {CPF}, domiciliado em Lavras, {CEP}.",
    "Processo nº {PROCESS}, Pregão Eletrônico nº {LIKE}, Lei nº 14.133/2021.",
    "Valor global de R$ {AMOUNT}, conforme o empenho nº {LIKE}, de 12 de março de 2024.",
    "Nos termos do art. 37, § 6º, da Constituição, e da Lei nº 8.666, de 21 de junho de 1993.",
    "A sessão terá início às 14h30 de 05/11/2024, na sala 204 do Paço Municipal.",
    "A conta de energia do exercício de 2023 somou R$ {AMOUNT}.",
    "A agência atendeu {LIKE} pessoas no período 2019-2020.",
    "Chave de acesso da nota fiscal: {INVOICE}.",
    "O protocolo {LIKE} foi arquivado; veja a página 45 do volume 2.",
    "O CPF {BADCPF} informado no requerimento é inválido e foi recusado.",
    "O CNPJ {BADCNPJ} não consta da base da Receita Federal.",
    "Norma ABNT NBR 9050:2020 e ISO 9001, aplicáveis ao item {LIKE}.",
    "Matrícula {LIKE}, lotação {LIKE}, símbolo CC-3, nível 12.",
    "O imóvel de inscrição {LIKE} tem área de {AMOUNT} m².",
    "Publicado no Diário Oficial, edição {LIKE}, página 12, em 03.02.2025.",
    "O contrato terá vigência de 12 (doze) meses, prorrogável até 60 meses.",
    "Latitude -21.2458, longitude -44.9997, altitude 919 m.",
    "Identificador {LIKE}-A, versão 2.10.3, anexo IV.",
    "Quadro: 1234 5678 9012 3456 unidades distribuídas em 2022, 2023 e 2024.",
];

const NAMES: [&str; 6] = [
    "Maria da Silva",
    "José Antônio de Souza",
    "Ana Beatriz Prado",
    "João Carlos Nogueira",
    "Francisca Alves",
    "Luiz Otávio Reis",
];

impl<'a> Writer<'a> {
    fn new(random: &'a mut Random) -> Self {
        Self {
            random,
            page: Page {
                text: String::new(),
                values: Vec::new(),
            },
            at: 0,
        }
    }

    fn page(mut self) -> Page {
        for _ in 0..18 + self.random.below(10) {
            let sentence = self.random.of(&SENTENCES);
            self.sentence(sentence);
            let end = self.random.of(&[" ", " ", "\n", "\n\n"]);
            self.push(end);
        }
        self.page
    }

    fn push(&mut self, text: &str) {
        self.page.text.push_str(text);
        self.at += text.chars().count();
    }

    fn sentence(&mut self, mut rest: &str) {
        while let Some((before, after)) = rest.split_once('{') {
            self.push(before);
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            self.slot(slot);
            rest = after;
        }
        self.push(rest);
    }

    fn slot(&mut self, slot: &str) {
        let kind = PersonalKind::ALL.into_iter().find(|kind| kind.as_str() == slot);
        let Some(kind) = kind else {
            let text = self.decoy(slot);
            return self.push(&text);
        };
        let text = self.value(kind);
        let start = self.at;
        self.push(&text);
        self.page.values.push((kind, start, self.at));
    }

    fn value(&mut self, kind: PersonalKind) -> String {
        match kind {
            Cpf => {
                let digits = cpf(self.random);
                let form = self.random.of(&[
                    "ddd.ddd.ddd-dd",
                    "ddd.ddd.ddd-dd",
                    "ddddddddddd",
                    "ddd.ddd.ddd–dd",
                    "ddd ddd ddd dd",
                ]);
                filled(form, &digits)
            }
            Cnpj => {
                let signs = cnpj(self.random);
                let form = self
                    .random
                    .of(&["dd.ddd.ddd/dddd-dd", "dd.ddd.ddd/dddd-dd", "dddddddddddddd"]);
                filled(form, &signs)
            }
            Pis => {
                let digits = pis(self.random);
                let form = self.random.of(&["ddd.ddddd.dd-d", "ddddddddddd"]);
                filled(form, &digits)
            }
            Rg => {
                let digits = self.random.digits(9);
                let form = self.random.of(&[
                    "MG-dd.ddd.ddd",
                    "dd.ddd.ddd-d",
                    "dd.ddd.ddd-X",
                    "M-d.ddd.ddd",
                    "dddddddd",
                ]);
                filled(form, &ascii(&digits))
            }
            Email => {
                let user = self.random.of(&[
                    "maria.silva",
                    "jose_souza",
                    "a.prado+rh",
                    "licitacao",
                    "joao-nogueira2",
                ]);
                let domain = self.random.of(&[
                    "lavras.mg.gov.br",
                    "exemplo.org",
                    "camara.leg.br",
                    "correio.example.com",
                ]);
                format!("{user}@{domain}")
            }
            Phone => {
                let digits = self.random.digits(7);
                let form = self.random.of(&[
                    "(35) 3ddd-dddd",
                    "(11) 99ddd-dddd",
                    "(35)3ddddddd",
                    "+55 35 98ddd-dddd",
                    "35 99ddd-dddd",
                    "3ddd-dddd",
                ]);
                filled(form, &ascii(&digits))
            }
            Cep => {
                let digits = self.random.digits(8);
                let form = self.random.of(&["ddddd-ddd", "dd.ddd-ddd"]);
                filled(form, &ascii(&digits))
            }
            Card => {
                let digits = card(self.random);
                let form =
                    self.random
                        .of(&["dddd dddd dddd dddd", "dddddddddddddddd", "dddd-dddd-dddd-dddd"]);
                filled(form, &digits)
            }
            Account => {
                let digits = self.random.digits(8);
                let form = self.random.of(&["dd.ddd-d", "ddddd-d", "ddddddd-X", "dddddd"]);
                filled(form, &ascii(&digits))
            }
            Agency => {
                let digits = self.random.digits(5);
                let form = self.random.of(&["dddd-d", "dddd"]);
                filled(form, &ascii(&digits))
            }
            Plate => {
                let digits = self.random.digits(4);
                let form = self.random.of(&["ABC-dddd", "HQZ dddd", "BRAdEdd", "OPKdFdd"]);
                filled(form, &ascii(&digits))
            }
        }
    }

    fn decoy(&mut self, slot: &str) -> String {
        let digits = self.random.digits(44);
        let digits = ascii(&digits);
        match slot {
            "NAME" => self.random.of(&NAMES).to_owned(),
            "PROCESS" => filled("ddddddd-dd.2024.8.13.dddd", &digits),
            "AMOUNT" => filled("ddd.ddd,dd", &digits),
            "INVOICE" => filled("dddd dddd dddd dddd dddd dddd dddd dddd dddd dddd dddd", &digits),
            "BADCPF" => {
                let mut wrong = cpf(self.random);
                wrong[10] = b'0' + (wrong[10] - b'0' + 1) % 10;
                filled("ddd.ddd.ddd-dd", &wrong)
            }
            "BADCNPJ" => {
                let mut wrong = cnpj(self.random);
                wrong[13] = b'0' + (wrong[13] - b'0' + 1) % 10;
                filled("dd.ddd.ddd/dddd-dd", &wrong)
            }
            _ => {
                let form = self.random.of(&[
                    "ddd/2024",
                    "dddddd",
                    "dddd",
                    "dd/2023",
                    "dddddddd",
                    "2024NE000ddd",
                    "ddd.ddd",
                ]);
                filled(form, &digits)
            }
        }
    }
}
