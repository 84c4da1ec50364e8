//! Questions about code and their answers, the same wherever the graph lies. A question is what its route asks, and becomes the
//! same answer.

use kotadb_core::graph::Confidence;
use kotadb_core::graph::ask::{Direction, Question};
use kotadb_core::search::commit::{
    Ask, CallsRequest, Changed, CommitError, DefinitionRequest, DependenciesRequest, ImpactRequest, MapRequest,
    MembersRequest, OpenCommit,
};
use kotadb_core::search::relations::{Ground, Meant, Relations, RelationsError};
use kotadb_core::wire::relations::{
    CallList, DefinitionList, DependencyList, GraphState, ImpactReport, MemberList, RepositoryMap, SymbolDetail,
    call_answer, call_list, definition_list, dependency_list, impact_report, member_answer, repository_map,
    symbol_detail, undecided_detail,
};

/// Asks for a symbol with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailRequest {
    /// Id or name.
    pub symbol: String,
    /// Whether its lines are wanted.
    pub body: bool,
}

/// What is asked of a graph.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each says what it asks")]
pub enum CodeQuestion {
    Definition(DefinitionRequest),
    Symbol(DetailRequest),
    Calls(CallsRequest),
    Members(MembersRequest),
    Dependencies(DependenciesRequest),
    Impact(ImpactRequest),
    Map(MapRequest),
}

/// What a graph answers.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is the answer to the question of that name")]
pub enum CodeAnswer {
    Definition(DefinitionList),
    Symbol(SymbolDetail),
    Calls(CallList),
    Members(MemberList),
    Dependencies(DependencyList),
    Impact(ImpactReport),
    Map(RepositoryMap),
}

/// Why a graph that is made in memory has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It cannot be read, or does not have what is asked for.
    #[error(transparent)]
    Relations(#[from] RelationsError),
    /// It knows one commit only.
    #[error("changes since a commit are known where commits are: give `changed` or `diff`")]
    NoCommits,
}

/// Asks a graph that is made in memory. Where a name means several symbols, they are the answer: nobody guesses.
pub async fn answer<G: Ground>(
    relations: &Relations<'_, G>,
    question: &CodeQuestion,
    state: GraphState,
) -> Result<CodeAnswer, AnswerError> {
    Ok(match question {
        CodeQuestion::Definition(asked) => {
            let places = relations.definitions(&asked.symbol).await?;
            CodeAnswer::Definition(definition_list(&asked.symbol, &places, state))
        }
        CodeQuestion::Symbol(asked) => CodeAnswer::Symbol(detail(relations, asked, state).await?),
        CodeQuestion::Calls(asked) => {
            let found = relations.calls_of(&asked.symbol, &asked.question).await?;
            CodeAnswer::Calls(call_answer(&asked.symbol, &found, state))
        }
        CodeQuestion::Members(asked) => {
            let found = relations.members_of(&asked.symbol, asked.below, asked.min_confidence).await?;
            CodeAnswer::Members(member_answer(&asked.symbol, &found, state))
        }
        CodeQuestion::Dependencies(DependenciesRequest { path, direction, depth, min_confidence, roles, most }) => {
            let filter = (*depth, *min_confidence, roles.as_slice(), *most);
            let tree = relations.dependencies(path, *direction, filter).await?;
            CodeAnswer::Dependencies(dependency_list(path, &tree, state))
        }
        CodeQuestion::Impact(ImpactRequest { changed: Changed::Source(source), reach }) => {
            CodeAnswer::Impact(impact_report(&relations.impact(source, *reach).await?, state))
        }
        CodeQuestion::Impact(_) => return Err(AnswerError::NoCommits),
        CodeQuestion::Map(MapRequest { focus, prefix, bytes }) => {
            CodeAnswer::Map(repository_map(&relations.map(focus, prefix, *bytes).await?, state))
        }
    })
}

impl Ask for CodeQuestion {
    type Answer = CodeAnswer;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<CodeAnswer, CommitError> {
        let state = GraphState::of_commit(&commit.symbol_state().await?);
        Ok(match self {
            Self::Definition(asked) => {
                CodeAnswer::Definition(definition_list(&asked.symbol, &asked.ask(commit).await?, state))
            }
            Self::Symbol(asked) => {
                let graph = commit.graph().await?.ok_or(CommitError::NoGraph)?;
                CodeAnswer::Symbol(detail(&graph.relations(), asked, state).await?)
            }
            Self::Calls(asked) => CodeAnswer::Calls(call_answer(&asked.symbol, &asked.ask(commit).await?, state)),
            Self::Members(asked) => CodeAnswer::Members(member_answer(&asked.symbol, &asked.ask(commit).await?, state)),
            Self::Dependencies(asked) => {
                CodeAnswer::Dependencies(dependency_list(&asked.path, &asked.ask(commit).await?, state))
            }
            Self::Impact(asked) => CodeAnswer::Impact(impact_report(&asked.ask(commit).await?, state)),
            Self::Map(asked) => CodeAnswer::Map(repository_map(&asked.ask(commit).await?, state)),
        })
    }
}

async fn detail<G: Ground>(
    relations: &Relations<'_, G>,
    asked: &DetailRequest,
    state: GraphState,
) -> Result<SymbolDetail, RelationsError> {
    let symbol = match relations.find(&asked.symbol).await?.meant() {
        Meant::One(symbol) => symbol,
        Meant::Unclear(places) => return Ok(undecided_detail(&asked.symbol, &places, state)),
    };
    let mut source = relations.source(&symbol).await?;
    if let Some(source) = source.as_mut().filter(|_| !asked.body) {
        source.body.clear();
    }
    let question = Question { most: 1, min_confidence: Confidence(0), ..Question::calls(Direction::Users) };
    let tree = relations.calls(symbol.clone(), &question).await?;
    let callers = call_list(&tree, GraphState::default()).summary;
    Ok(symbol_detail(&symbol, source, callers, state))
}
