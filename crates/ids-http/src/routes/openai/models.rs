//! Which models there are.

use axum::Json;
use axum::extract::State;
use ids_core::chunk::Filter;
use ids_core::error::{ErrorCode, Refusal};
use ids_core::scope::{CollectionName, Scope};

use crate::access::{Anything, Granted};
use crate::error::ApiResult;
use crate::extract::PathOf;
use crate::state::AppState;
use crate::wire::openai::{ModelBody, ModelListBody};

/// The whole library.
const LIBRARY: &str = "ids";
const OWNER: &str = "ids";

/// Lists the models: the library, each of its collections, and the embedding model.
#[utoipa::path(
    get, path = "/v1/models", operation_id = "openai_models", tag = "openai",
    responses((status = 200, description = "The models", body = ModelListBody)),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Granted<Anything>,
) -> ApiResult<Json<ModelListBody>> {
    Ok(Json(ModelListBody {
        object: "list",
        data: models(&state, caller.scope()).await?,
    }))
}

/// One of them.
#[utoipa::path(
    get, path = "/v1/models/{model}", operation_id = "openai_model", tag = "openai",
    params(("model" = String, Path, description = "Its name")),
    responses((status = 200, description = "The model", body = ModelBody)),
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    caller: Granted<Anything>,
    PathOf(name): PathOf<String>,
) -> ApiResult<Json<ModelBody>> {
    let models = models(&state, caller.scope()).await?;
    let found = models.into_iter().find(|model| model.id == name);
    Ok(Json(found.ok_or_else(|| not_found(&name))?))
}

async fn models(state: &AppState, scope: &Scope) -> Result<Vec<ModelBody>, Refusal> {
    let library = &state.options.library;
    let collections = library.list_collections(scope).await?;
    let of_collections = collections
        .iter()
        .map(|collection| format!("{LIBRARY}/{}", collection.name));
    let names = std::iter::once(LIBRARY.to_owned())
        .chain(of_collections)
        .chain([library.ports().embedders.current().model().name.clone()]);
    Ok(names
        .map(|id| ModelBody {
            id,
            object: "model",
            created: state.started_at.as_unix_seconds(),
            owned_by: OWNER,
        })
        .collect())
}

/// Where a model of that name looks.
///
/// # Errors
/// `MODEL_NOT_FOUND`. Whether there is such a collection is looked at by who searches it.
pub(super) fn filter_of(model: &str) -> Result<Filter, Refusal> {
    if model == LIBRARY {
        return Ok(Filter::default());
    }
    let collection = model
        .strip_prefix(LIBRARY)
        .and_then(|rest| rest.strip_prefix('/'));
    match collection.map(CollectionName::parse) {
        Some(Ok(name)) => Ok(Filter {
            collection: Some(name),
            ..Filter::default()
        }),
        Some(Err(_)) | None => Err(not_found(model)),
    }
}

pub(super) fn not_found(model: &str) -> Refusal {
    Refusal::new(
        ErrorCode::ModelNotFound,
        format!("there is no model `{model}` here; `/v1/models` lists those there are"),
    )
}
