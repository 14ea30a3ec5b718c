//! The pool of embedding threads.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ids_embed::{EmbeddingPool, Model};

use crate::real_model;
use crate::tiny_model::{Shape, bytes};

pub fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn tiny_pool(threads: usize) -> EmbeddingPool {
    EmbeddingPool::new(
        Model::load(&bytes(&Shape::default())).unwrap(),
        NonZeroUsize::new(threads),
    )
    .unwrap()
}

fn passages(count: usize) -> Vec<String> {
    (0..count)
        .map(|index| format!("contrato {} {index}", "abc ".repeat(index % 7)))
        .collect()
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_passages_and_are_those_of_each_alone() {
    let pool = tiny_pool(3);
    // More than the queue holds.
    let passages = passages(400);
    let embedded = pool.embed_passages(&passages).await.unwrap();
    assert_eq!(embedded.len(), passages.len());
    for (embedding, passage) in embedded.iter().zip(&passages) {
        assert_eq!(embedding.vector, pool.model().embed_passage(passage));
    }
}

#[tokio::test]
async fn batches_of_several_callers_run_side_by_side() {
    let pool = tiny_pool(2);
    let (first, second) = (passages(100), passages(60));
    let (a, b) = tokio::join!(pool.embed_passages(&first), pool.embed_passages(&second));
    assert_eq!(a.unwrap()[..60], b.unwrap()[..]);
}

#[tokio::test]
async fn no_passages_are_no_work() {
    assert_eq!(tiny_pool(1).embed_passages(&[]).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_batch_given_up_leaves_the_pool_usable() {
    let pool = EmbeddingPool::new(real_model::model().clone(), NonZeroUsize::new(1)).unwrap();
    let long: Vec<String> = (0..200)
        .map(|index| format!("{index} {}", "palavra ".repeat(200)))
        .collect();
    {
        let mut batch = pin!(pool.embed_passages(&long));
        assert!(poll_once(batch.as_mut()).is_pending());
    }
    // The waiting texts of the first batch are skipped, or this would take many seconds.
    let one = pool.embed_passages(&["curto".to_owned()]).await.unwrap();
    assert_eq!(one[0].vector, pool.model().embed_passage("curto"));
}

#[test]
fn a_pool_with_work_left_stops_when_dropped() {
    let pool = tiny_pool(2);
    let passages = passages(1000);
    let mut batch = Box::pin(pool.embed_passages(&passages));
    assert!(poll_once(batch.as_mut()).is_pending());
    drop(batch);
    drop(pool);
}

#[test]
fn without_a_number_there_is_a_thread_a_core() {
    let model = Model::load(&bytes(&Shape::default())).unwrap();
    let pool = EmbeddingPool::new(model, None).unwrap();
    assert_eq!(
        pool.threads(),
        std::thread::available_parallelism().unwrap().get()
    );
}
