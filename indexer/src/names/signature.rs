//! Types of parameters and arguments of Java, compared as they are written: widening, boxing, arrays, any number of arguments.

/// Fitting by boxing comes after all that fits without.
const BOXED: u32 = 100;
/// Methods that take any number of arguments come last.
const SPREAD: u32 = 10_000;
/// Whatever is an object.
pub const ANY: u32 = 40;
/// Nothing is known of two types but that they are not the same.
pub const MAYBE: u32 = 20;

/// Numbers, each of which may be given for those behind it.
const NUMBERS: [&str; 6] = ["byte", "short", "int", "long", "float", "double"];
const BOXES: [(&str, &str); 8] = [
    ("byte", "Byte"),
    ("short", "Short"),
    ("int", "Integer"),
    ("long", "Long"),
    ("float", "Float"),
    ("double", "Double"),
    ("char", "Character"),
    ("boolean", "Boolean"),
];
/// What is above the final classes of the language.
const ABOVE_ALL: [&str; 4] = ["Comparable", "Serializable", "Constable", "ConstantDesc"];

/// What methods give that are called so wherever they come from.
const RESULTS: [(&str, &[&str]); 16] = [
    ("int", &["length", "size", "indexOf", "lastIndexOf", "hashCode", "compareTo", "compare", "intValue", "ordinal"]),
    ("int", &["parseInt", "bitCount", "floatToIntBits", "getModifiers", "codePointAt", "nextInt"]),
    ("long", &["longValue", "parseLong", "doubleToLongBits", "doubleToRawLongBits", "currentTimeMillis", "nanoTime"]),
    ("double", &["doubleValue", "parseDouble", "longBitsToDouble"]),
    ("float", &["floatValue", "parseFloat", "intBitsToFloat"]),
    ("short", &["shortValue"]),
    ("byte", &["byteValue"]),
    ("boolean", &["equals", "isEmpty", "contains", "containsKey", "hasNext", "startsWith", "endsWith", "isArray"]),
    ("boolean", &["booleanValue", "equalsIgnoreCase", "isInstance", "isAssignableFrom", "isPrimitive", "matches"]),
    ("String", &["toString", "substring", "trim", "getName", "getSimpleName", "toLowerCase", "toUpperCase"]),
    ("String", &["getCanonicalName", "getMessage", "lineSeparator", "toHexString"]),
    ("char", &["charAt", "charValue"]),
    ("Class", &["getClass", "getComponentType", "getDeclaringClass", "getSuperclass"]),
    ("java.lang.reflect.Type", &["getRawType", "getOwnerType", "getGenericComponentType", "getGenericSuperclass"]),
    ("java.util.Iterator", &["iterator"]),
    ("char[]", &["toCharArray"]),
];
/// What a method gives of a class that comes with the language, which is called otherwise elsewhere.
const RESULTS_OF: [(&str, &str, &str); 9] = [
    ("Field", "get", "Object"),
    ("Method", "invoke", "Object"),
    ("Array", "get", "Object"),
    ("Calendar", "get", "int"),
    ("String", "getBytes", "byte[]"),
    ("File", "length", "long"),
    ("RandomAccessFile", "length", "long"),
    ("FileChannel", "size", "long"),
    ("Files", "size", "long"),
];
/// What stands above the classes themselves.
const ABOVE_CLASS: [&str; 4] = ["Type", "AnnotatedElement", "GenericDeclaration", "Serializable"];

/// What a method gives that no symbol is known of, by its name, and by what it is called on.
pub fn usual_result(of: Option<&str>, name: &str) -> Option<Box<str>> {
    let of = of.map(|of| Shape::of(of).name);
    let is_made =
        name == "valueOf" && of.is_some_and(|of| of == "String" || BOXES.iter().any(|(_, boxed)| *boxed == of));
    if let Some(of) = of.filter(|_| is_made) {
        return Some(of.into());
    }
    let special = RESULTS_OF.iter().find(|(holder, called, _)| (of, name) == (Some(holder), *called));
    let usual = RESULTS.iter().find(|(_, names)| names.contains(&name)).map(|(result, _)| *result);
    special.map(|(_, _, result)| *result).or(usual).map(Into::into)
}

/// Whether a type is a parameter of a type or method, or the array of one.
pub fn is_variable(text: &str) -> bool {
    let element = text.trim_end_matches("[]");
    element == "?" || super::typing::is_parameter(element)
}

/// Parts of a list of types or expressions.
pub fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut before) = (Vec::new(), 0, 0i32, b' ');
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' | b'(' | b'[' => depth += 1,
            b'>' if matches!(before, b'-' | b'=') => {}
            b'>' | b')' | b']' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        before = byte;
    }
    if !text.is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

/// What a method takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Types of its parameters, one for each argument.
    pub types: Vec<Box<str>>,
    /// What it costs to take so many.
    pub cost: u32,
}

/// The list of parameters behind the type of a method: `Pool (int,String[],Object...)`.
pub fn taken(of_type: &str) -> Option<Taken> {
    let (_, list) = of_type.split_once(" (")?;
    let list = list.strip_suffix(')')?;
    Some(Taken { types: parts(list).into_iter().map(Into::into).collect(), cost: 0 })
}

impl Taken {
    /// What so many arguments may be taken as, the likelier first: `Object...` is an array, or any number of objects.
    pub fn forms(mut self, n_arguments: usize) -> Vec<Self> {
        let n_fixed = self.types.len().saturating_sub(1);
        let Some(spread) = self.types.last().and_then(|last| last.strip_suffix("...")).map(str::to_owned) else {
            return if self.types.len() == n_arguments { vec![self] } else { Vec::new() };
        };
        self.types.truncate(n_fixed);
        let mut forms = Vec::new();
        if n_arguments == n_fixed + 1 {
            let types = self.types.iter().cloned().chain([format!("{spread}[]").into()]).collect();
            forms.push(Self { types, ..self });
        }
        if let Some(n_spread) = n_arguments.checked_sub(n_fixed) {
            let spread = std::iter::repeat_n(Box::from(spread), n_spread);
            forms.push(Self { types: self.types.into_iter().chain(spread).collect(), cost: SPREAD });
        }
        forms
    }
}

/// A type without its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape<'t> {
    /// With the modules before it.
    pub written: &'t str,
    name: &'t str,
    n_dimensions: usize,
}

impl<'t> Shape<'t> {
    /// Takes a type apart.
    pub fn of(text: &'t str) -> Self {
        let element = text.trim_end_matches("[]");
        let written = element.split('<').next().unwrap_or(element);
        let name = written.rsplit('.').next().unwrap_or(written);
        Self { written, name, n_dimensions: (text.len() - element.len()) / 2 }
    }

    fn is_primitive(self) -> bool {
        self.n_dimensions == 0 && BOXES.iter().any(|(primitive, _)| *primitive == self.name)
    }

    /// Whether it takes all objects.
    pub fn is_object(self) -> bool {
        self.n_dimensions == 0 && (self.name == "Object" || is_variable(self.name))
    }

    fn element(self) -> Self {
        Self { n_dimensions: self.n_dimensions.saturating_sub(1), ..self }
    }
}

/// How well something fits a parameter, less is better; `None`: not at all. `depth`: how far its class stands below that of the
/// parameter, if that is known.
pub fn cost(taken: Shape<'_>, given: Shape<'_>, depth: impl FnOnce() -> Result<Option<u32>, ()>) -> Option<u32> {
    if (taken.name, taken.n_dimensions) == (given.name, given.n_dimensions) {
        return Some(0);
    }
    match (taken.is_primitive(), given.is_primitive()) {
        (true, true) => widened(taken.name, given.name),
        (false, true) => boxed(taken, given.name),
        (true, false) => {
            let (primitive, _) = BOXES.iter().find(|(_, boxed)| *boxed == given.name && given.n_dimensions == 0)?;
            Some(BOXED + if *primitive == taken.name { 0 } else { widened(taken.name, primitive)? })
        }
        (false, false) => object(taken, given, depth),
    }
}

fn widened(taken: &str, given: &str) -> Option<u32> {
    let place = |name: &str| NUMBERS.iter().position(|number| *number == name);
    let (taken, given) = (place(taken)?, if given == "char" { 1 } else { place(given)? });
    taken.checked_sub(given).filter(|steps| *steps > 0).map(|steps| steps as u32)
}

fn boxed(taken: Shape<'_>, given: &str) -> Option<u32> {
    let (_, boxed) = BOXES.iter().find(|(primitive, _)| *primitive == given)?;
    let is_number = NUMBERS.contains(&given);
    match taken.name {
        _ if taken.n_dimensions > 0 => None,
        name if name == *boxed => Some(BOXED),
        "Number" if is_number => Some(BOXED + 1),
        name if ABOVE_ALL.contains(&name) => Some(BOXED + 1),
        _ => taken.is_object().then_some(BOXED + 2),
    }
}

fn object(taken: Shape<'_>, given: Shape<'_>, depth: impl FnOnce() -> Result<Option<u32>, ()>) -> Option<u32> {
    if (given.name, given.n_dimensions) == ("null", 0) {
        return Some(u32::from(taken.is_object()));
    }
    if taken.n_dimensions > 0 {
        let fits = given.n_dimensions >= taken.n_dimensions;
        let is_plain = taken.element().is_primitive() || given.element().is_primitive();
        return match fits {
            true if is_plain && given.n_dimensions == taken.n_dimensions => None,
            true => object(taken.element(), given.element(), depth).map(|cost| cost.min(ANY - 1)),
            false => None,
        };
    }
    if taken.is_object() {
        return Some(ANY);
    }
    if given.n_dimensions > 0 {
        return matches!(taken.name, "Cloneable" | "Serializable").then_some(ANY);
    }
    of_class(taken.name, given.name, depth)
}

fn of_class(taken: &str, given: &str, depth: impl FnOnce() -> Result<Option<u32>, ()>) -> Option<u32> {
    let is_boxed = BOXES.iter().any(|(_, boxed)| *boxed == given);
    let is_number = is_boxed && !matches!(given, "Character" | "Boolean");
    match (taken, given) {
        ("CharSequence", "String") => Some(1),
        ("Number", _) if is_number => Some(1),
        (taken, given) if (is_boxed || given == "String") && ABOVE_ALL.contains(&taken) => Some(2),
        (_, "String" | "Object") => None,
        (_, "Class") if !ABOVE_CLASS.contains(&taken) => None,
        _ if is_boxed => None,
        _ if is_variable(given) => Some(MAYBE),
        (_, _) => match depth() {
            Ok(steps) => steps,
            Err(()) if given == "Class" => Some(1),
            Err(()) => Some(MAYBE),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost_of(taken: &str, given: &str) -> Option<u32> {
        cost(Shape::of(taken), Shape::of(given), || Err(()))
    }

    #[test]
    fn what_fits_better_costs_less() {
        for better in [
            [("int", "int"), ("long", "int")],
            [("int", "char"), ("long", "char")],
            [("long", "int"), ("Integer", "int")],
            [("Integer", "int"), ("Object", "int")],
            [("String", "String"), ("CharSequence", "String")],
            [("CharSequence", "String"), ("Object", "String")],
            [("T[]", "String[]"), ("Object", "String[]")],
            [("Object[]", "T[]"), ("Object", "T[]")],
            [("String", "null"), ("Object", "null")],
            [("Class<?>", "Class<String>"), ("java.lang.reflect.Type", "Class<String>")],
            [("Type", "Class<String>"), ("Object", "Class<String>")],
            [("java.util.List<T>", "List<String>"), ("Collection<?>", "List<String>")],
        ] {
            let [one, other] = better.map(|(taken, given)| cost_of(taken, given));
            assert!(one.is_some() && (other.is_none() || one < other), "{better:?}: {one:?}, {other:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (taken, given) in [
            ("int", "long"),
            ("char", "int"),
            ("boolean", "int"),
            ("int", "Object"),
            ("int[]", "Object[]"),
            ("Object[]", "int[]"),
            ("Object[]", "Object"),
            ("String", "Object"),
            ("String", "int"),
            ("int", "null"),
            ("Iterable", "String"),
            ("Iterable", "Class"),
        ] {
            assert_eq!(cost_of(taken, given), None, "{taken} {given}");
        }
    }

    #[test]
    fn any_number_of_arguments_comes_last() {
        let forms = |text: &str, n| {
            let forms = taken(text).map(|taken| taken.forms(n)).unwrap_or_default();
            forms.iter().map(|form| form.types.join(" ")).collect::<Vec<_>>().join(" or ")
        };
        assert_eq!(forms("Pool (int,String...)", 3), "int String String");
        assert_eq!(forms("Pool (int,String...)", 2), "int String[] or int String");
        assert_eq!(forms("? (Map<K,V>,T)", 2), "Map<K,V> T");
        assert_eq!(
            (forms("void (int)", 2), taken("void"), taken("void ()").map(|it| it.types)),
            (String::new(), None, Some(vec![]))
        );
    }
}
