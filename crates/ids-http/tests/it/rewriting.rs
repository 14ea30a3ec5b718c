//! Follow-ups that the model which is set puts into words of their own.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ids_core::ports::{ChatError, ChatModel, ChatPrompt};
use ids_core::session::TokenUsage;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::budget::budget;
use crate::chat::ask;
use crate::support::App;

/// What it says to a request for a rewriting.
#[derive(Clone, Copy)]
enum Says {
    Text(&'static str),
    Fails,
    Hangs,
}

/// Rewrites as it is told, and otherwise finds no answer.
struct Rewriter {
    says: Mutex<Says>,
    prompts: Mutex<Vec<ChatPrompt>>,
    /// Rewritings under way.
    at_work: watch::Sender<usize>,
}

struct AtWork<'a>(&'a watch::Sender<usize>);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

fn is_rewriting(prompt: &ChatPrompt) -> bool {
    prompt.system.starts_with("You rewrite")
}

#[async_trait]
impl ChatModel for Rewriter {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn stream(
        &self,
        prompt: &ChatPrompt,
        pieces: mpsc::Sender<String>,
    ) -> Result<TokenUsage, ChatError> {
        self.prompts.lock().unwrap().push(prompt.clone());
        let says = *self.says.lock().unwrap();
        let text = match says {
            _ if !is_rewriting(prompt) => "NO_ANSWER",
            Says::Text(text) => text,
            Says::Fails => return Err(ChatError::Refused { status: 401 }),
            Says::Hangs => {
                self.at_work.send_modify(|count| *count += 1);
                let _at_work = AtWork(&self.at_work);
                std::future::pending().await
            }
        };
        let _ = pieces.send(text.to_owned()).await;
        Ok(TokenUsage {
            prompt_tokens: 100,
            completion_tokens: 20,
        })
    }
}

fn rewriter(says: Says) -> Arc<Rewriter> {
    Arc::new(Rewriter {
        says: Mutex::new(says),
        prompts: Mutex::default(),
        at_work: watch::Sender::new(0),
    })
}

/// Two documents about fines; the follow-up leans on the first question.
async fn library(model: Arc<Rewriter>, monthly: Option<&str>) -> App {
    let app = App::with_budget(model, budget(monthly), None);
    for (name, text) in [
        (
            "alfa.txt",
            "O contrato da Alfa fixa a multa por atraso em dois por cento.",
        ),
        (
            "beta.txt",
            "O prazo de entrega das cadeiras é de quinze dias no contrato da Alfa.",
        ),
    ] {
        app.ingest(name, text, &[]).await;
    }
    app
}

const FIRST: &str = "Qual é a multa por atraso no contrato da Alfa?";
const FOLLOW_UP: &str = "E o prazo?";
const WHOLE: &str = "Qual é o prazo no contrato da Alfa?";

async fn follow_up(app: &App) -> (String, Value) {
    let first = ask(app, json!({"message": FIRST})).await;
    let session = first["session_id"].as_str().unwrap().to_owned();
    let second = ask(app, json!({"message": FOLLOW_UP, "session_id": session})).await;
    (session, second)
}

fn rewritings(model: &Rewriter) -> Vec<ChatPrompt> {
    let prompts = model.prompts.lock().unwrap();
    prompts
        .iter()
        .filter(|prompt| is_rewriting(prompt))
        .cloned()
        .collect()
}

async fn row(app: &App) -> Value {
    let usage = app.get("/api/v1/usage?by=model").await.expect(200);
    assert_eq!(usage["reserved"], 0.0, "{usage}");
    let rows = usage["by"].as_array().unwrap();
    rows.iter()
        .find(|row| row["model"] == "scripted")
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn only_a_follow_up_is_rewritten_and_its_tokens_count() {
    let model = rewriter(Says::Text(WHOLE));
    let app = library(model.clone(), None).await;
    let first = ask(&app, json!({"message": FIRST})).await;
    assert_eq!(rewritings(&model).len(), 0, "it stands alone");
    let session = first["session_id"].as_str().unwrap();
    let asked = row(&app).await["prompt_tokens"].clone();

    let second = ask(&app, json!({"message": FOLLOW_UP, "session_id": session})).await;

    let prompts = rewritings(&model);
    assert_eq!(prompts.len(), 1);
    let turns: Vec<&str> = prompts[0]
        .turns
        .iter()
        .map(|turn| turn.content.as_str())
        .collect();
    assert_eq!(turns[0], FIRST);
    assert!(turns.last().unwrap().ends_with(FOLLOW_UP), "{turns:?}");
    let row = row(&app).await;
    // An answer and a rewriting, 100 and 20 tokens each, on top of the first answer.
    assert_eq!(
        (&row["questions"], row["prompt_tokens"].as_u64()),
        (&json!(2), asked.as_u64().map(|asked| asked + 200))
    );
    // The answer says what both took.
    assert_eq!(second["metadata"]["cost"], 0.00028);
    // What is kept is the question as it was typed.
    let kept = app
        .get(&format!("/api/v1/chat/sessions/{session}"))
        .await
        .expect(200);
    assert_eq!(kept["messages"][2]["content"], FOLLOW_UP);
}

#[tokio::test]
async fn what_is_searched_for_is_the_rewritten_question_or_the_carried_words() {
    let nearest = |answer: &Value| {
        answer["metadata"]["nearest"][0]["document_title"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let model = rewriter(Says::Text(
        "Qual é o prazo de entrega das cadeiras no contrato da Alfa?",
    ));
    let app = library(model.clone(), None).await;
    // A name that was not said before is not believed; the carried words find the document all the same.
    let (_, rubbish) = follow_up(&app).await;
    assert_eq!(rewritings(&model).len(), 1);
    assert_eq!(rubbish["metadata"]["answered"], false);
    assert!(!nearest(&rubbish).is_empty());
    for says in [Says::Text("NO_ANSWER"), Says::Text(""), Says::Fails] {
        *model.says.lock().unwrap() = says;
        let (_, answer) = follow_up(&app).await;
        assert_eq!(nearest(&answer), nearest(&rubbish));
    }
    assert_eq!(rewritings(&model).len(), 4);
}

#[tokio::test]
async fn without_money_nothing_is_rewritten() {
    let model = rewriter(Says::Text(WHOLE));
    let app = library(model.clone(), Some("0.0001")).await;
    let (_, answer) = follow_up(&app).await;
    assert_eq!(model.prompts.lock().unwrap().len(), 0);
    assert_eq!(
        (&answer["metadata"]["mode"], &answer["metadata"]["fallback"]),
        (&json!("extractive"), &json!("budget"))
    );
}

#[tokio::test]
async fn whoever_leaves_ends_the_rewriting_too_and_one_that_hangs_is_left() {
    let model = rewriter(Says::Hangs);
    let app = library(model.clone(), None).await;
    let first = ask(&app, json!({"message": FIRST})).await;
    let session = first["session_id"].as_str().unwrap().to_owned();
    let mut at_work = model.at_work.subscribe();
    {
        let asking = ask(&app, json!({"message": FOLLOW_UP, "session_id": session}));
        tokio::pin!(asking);
        tokio::select! {
            _ = &mut asking => panic!("it hangs"),
            begun = at_work.wait_for(|count| *count == 1) => drop(begun.unwrap()),
        }
    }
    assert_eq!(*model.at_work.borrow(), 0, "the call went with the question");
    // Whoever waits gets an answer when patience ends.
    let answer = ask(&app, json!({"message": FOLLOW_UP, "session_id": session})).await;
    assert_eq!(answer["metadata"]["answered"], false);
    assert_eq!(*model.at_work.borrow(), 0);
}
