//! Forms that change something. A browser sends their fields to the API with the token of its session, and is led on from there
//! (`core/src/http/form.rs`), with or without a script.

use maud::{Markup, html};

use crate::layout::Visitor;

/// A form to the API.
pub(crate) struct Form<'a> {
    /// `POST /api/v1/keys`: `DELETE` and `PATCH`, too.
    pub(crate) request: &'a str,
    /// The page where it stands, which it leads back to.
    pub(crate) back: &'a str,
    /// Where it leads when it is done, `{id}` being that of what was made; empty: back.
    pub(crate) then: &'a str,
    /// Its class in the style sheet.
    pub(crate) class: &'a str,
    /// What a script asks before it is sent.
    pub(crate) sure: Option<&'a str>,
}

impl<'a> Form<'a> {
    pub(crate) fn new(request: &'a str, back: &'a str) -> Self {
        Self { request, back, then: "", class: "row", sure: None }
    }

    /// The form round its fields.
    pub(crate) fn show(&self, visitor: &Visitor, fields: &Markup) -> Markup {
        let (method, path) = self.request.split_once(' ').unwrap_or(("POST", self.request));
        html! {
            form class=(self.class) method="post" action=(path) data-sure=[self.sure] {
                input type="hidden" name="form-token" value=(visitor.form_token());
                @if method != "POST" { input type="hidden" name="form-method" value=(method); }
                input type="hidden" name="form-back" value=(self.back);
                @if !self.then.is_empty() { input type="hidden" name="form-then" value=(self.then); }
                (fields)
            }
        }
    }
}

/// What became of the form that was sent last.
pub(crate) fn outcome(visitor: &Visitor) -> Markup {
    let Some(flash) = &visitor.flash else { return Markup::default() };
    html! {
        @if let Some(why) = &flash.refused { p.alarm role="alert" { (crate::visible::Visible(why)) } }
        @if let Some(key) = &flash.key {
            div.note role="status" {
                p { strong { "This is the key. It is shown this once." } }
                p { output #key { (key) } " " button.secondary.copy type="button" data-copy-from="key" { "Copy" } }
            }
        }
    }
}
