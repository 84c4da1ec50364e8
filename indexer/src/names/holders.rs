//! What comes out of what holds others: elements, results of usual methods, arguments for parameters.

use std::rc::Rc;

use super::containers::{self, Gives, Shape};
use super::evaluate::{Type, Value};

/// The first argument.
pub fn first(arguments: &Rc<[Type]>) -> Type {
    arguments.first().cloned().unwrap_or(Type::Unknown)
}

/// An element of something of a type.
pub fn element(known: &Type) -> Type {
    match known {
        Type::Holder(Shape::List, arguments) => first(arguments),
        Type::Holder(Shape::Map, arguments) => arguments.get(1).cloned().unwrap_or(Type::Unknown),
        Type::Holder(_, arguments) => arguments.first().map_or(Type::Unknown, element),
        Type::Union(many) => many.iter().map(element).find(|found| *found != Type::Unknown).unwrap_or(Type::Unknown),
        Type::Tuple(parts) if parts.windows(2).all(|pair| pair[0] == pair[1]) => first(parts),
        Type::Outside(path) => Type::Outside(path.clone()),
        _ => Type::Unknown,
    }
}

/// What something of a type gives who waits for it; of `impl Future<…> + Send` the first that can be waited for.
pub fn awaited(known: &Type) -> Type {
    match known {
        Type::Holder(Shape::Future, arguments) => first(arguments),
        Type::Union(many) => {
            many.iter().find(|one| matches!(one, Type::Holder(Shape::Future, _))).map_or_else(|| known.clone(), awaited)
        }
        other => other.clone(),
    }
}

/// What a method of a container gives.
pub fn given(shape: Shape, arguments: &Rc<[Type]>, method: &str) -> Value {
    let value = match shape {
        Shape::Map => arguments.get(1).cloned().unwrap_or(Type::Unknown),
        _ => first(arguments),
    };
    let known = match containers::gives(shape, method) {
        Some(Gives::Same) => Type::Holder(shape, arguments.clone()),
        Some(Gives::Inner) if shape == Shape::List => Type::Holder(Shape::Maybe, [value].into()),
        Some(Gives::Inner) => value,
        Some(Gives::MaybeInner) => Type::Holder(Shape::Maybe, [value].into()),
        Some(Gives::Values) => Type::Holder(Shape::List, [value].into()),
        Some(Gives::Keys) => Type::Holder(Shape::List, [first(arguments)].into()),
        Some(Gives::Pairs) => Type::Holder(Shape::List, [Type::Tuple(arguments.clone())].into()),
        // What a container holds is asked next; what else it does is not known.
        None if matches!(shape, Shape::Pointer | Shape::Maybe) && matches!(value, Type::Holder(..)) => {
            let Type::Holder(inner, of) = value else { return Value::Unknown };
            return given(inner, &of, method);
        }
        None if matches!(value, Type::Outside(_) | Type::Builtin) => value,
        None => return Value::Unknown,
    };
    Value::Method(known)
}

/// Parameters in the type of a member stand for the arguments of the type that it was found in.
pub fn substitute(known: &Type, through: &Type) -> Type {
    let Type::Symbol(_, arguments) = through else { return known.clone() };
    if arguments.is_empty() {
        return known.clone();
    }
    let each = |many: &Rc<[Type]>| many.iter().map(|one| substitute(one, through)).collect::<Rc<[Type]>>();
    match known {
        Type::Parameter(name) => {
            let nth = usize::from(arguments.len() > 1 && name.starts_with(['V', 'E', 'R', 'U', 'B']));
            arguments.get(nth).cloned().unwrap_or(Type::Unknown)
        }
        Type::Symbol(symbol, inner) => Type::Symbol(*symbol, each(inner)),
        Type::Holder(shape, inner) => Type::Holder(*shape, each(inner)),
        Type::Tuple(inner) => Type::Tuple(each(inner)),
        Type::Union(inner) => Type::Union(each(inner)),
        other => other.clone(),
    }
}
