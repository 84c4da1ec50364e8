//! Types of standard libraries that hold others: what their elements and usual methods give.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a container does with what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Stands for it: `Box`, `Arc`, `Mutex`, `unique_ptr`.
    Pointer,
    /// Holds one or nothing: `Option`, `Result`, `Optional`.
    Maybe,
    /// Holds many: lists, sets, iterators.
    List,
    /// Holds values by key.
    Map,
    /// Will have it: promises, futures.
    Future,
    /// Is the type itself, as a value: `type[T]`, `Class<T>`.
    Class,
}

/// What a method of a container gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// The container again.
    Same,
    /// What it holds; of a map, a value.
    Inner,
    /// Perhaps what it holds; of a map, a value.
    MaybeInner,
    /// All values.
    Values,
    /// All keys.
    Keys,
    /// Pairs of key and value.
    Pairs,
}

static SHAPES: [(Shape, &str); 6] = [
    (
        Shape::Pointer,
        " Box Rc Arc Cow Ref RefMut RefCell Cell Mutex RwLock MutexGuard RwLockReadGuard RwLockWriteGuard Pin OnceCell OnceLock \
          LazyLock LazyCell Lazy Weak ManuallyDrop NonNull Saturating Wrapping unique_ptr shared_ptr weak_ptr reference_wrapper Readonly \
          Required Partial NonNullable Awaited Final ClassVar InitVar Annotated AtomicReference ThreadLocal WeakReference State Data Extension \
          ReturnType InstanceType ContextManager AbstractContextManager AsyncContextManager Depends ",
    ),
    (Shape::Maybe, " Option Result Optional Poll Nullable Some Ok Try Either ControlFlow LockResult "),
    (
        Shape::List,
        " Vec VecDeque HashSet BTreeSet BinaryHeap LinkedList IndexSet SmallVec ArrayVec Iter IterMut IntoIter Iterator IntoIterator \
          DoubleEndedIterator ExactSizeIterator Stream Sender Receiver UnboundedSender UnboundedReceiver list List Sequence MutableSequence Iterable \
          set Set frozenset FrozenSet AbstractSet deque Deque Generator AsyncIterator AsyncIterable AsyncGenerator Collection \
          Array ReadonlyArray ReadonlySet WeakSet ArrayList Queue PriorityQueue ArrayDeque SortedSet TreeSet LinkedHashSet Iterator \
          IEnumerable IList ICollection IReadOnlyList IReadOnlyCollection IAsyncEnumerable ConcurrentBag ConcurrentQueue Stack SortedSet \
          vector array span initializer_list forward_list unordered_set multiset Seq IndexedSeq Flow MutableList MutableSet \
          Slice NonEmpty Peekable ",
    ),
    (
        Shape::Map,
        " HashMap BTreeMap IndexMap DashMap FxHashMap AHashMap dict Dict Mapping MutableMapping defaultdict DefaultDict OrderedDict Counter \
          Map ReadonlyMap WeakMap Record TreeMap SortedMap ConcurrentHashMap ConcurrentMap LinkedHashMap MutableMap EnumMap Dictionary \
          IDictionary IReadOnlyDictionary ConcurrentDictionary SortedDictionary map unordered_map multimap flat_map ",
    ),
    (
        Shape::Future,
        " Promise PromiseLike Future Awaitable Coroutine Task ValueTask CompletableFuture CompletionStage JoinHandle BoxFuture LocalBoxFuture \
          Deferred IntoFuture ListenableFuture ",
    ),
    (Shape::Class, " type Type Class KClass PhantomData "),
];

const INNER: &str = " unwrap expect unwrap_or unwrap_or_else unwrap_or_default unwrap_unchecked orElse orElseThrow orElseGet orElseNull \
    value Value Result result get_or_insert_with get_or_insert insert into_ok join await or_insert or_insert_with or_default or_insert_with_key \
    First Last Single FirstOrDefault SingleOrDefault LastOrDefault Max Min removeFirst removeLast getFirst getLast ";
const SAME: &str = " clone to_owned as_ref as_mut as_deref as_deref_mut as_slice as_mut_slice iter iter_mut into_iter by_ref cloned copied ok ok_or \
    ok_or_else map_err context with_context inspect inspect_err or or_else filter rev skip take step_by chain peekable fuse to_vec collect drain \
    retain lock read write try_lock borrow borrow_mut load deref deref_mut upgrade downgrade get_ref get_mut into_inner force \
    get_or_init entry into_boxed_slice sort sorted reverse reversed slice concat toSorted stream toList toSet asSequence distinct limit \
    parallelStream boxed Where OrderBy OrderByDescending ToList ToArray ToHashSet AsEnumerable Distinct Reverse copy union intersection \
    difference catch finally pin as_pin_mut ConfigureAwait and_modify skip_while take_while sort_by unwrap_or_clone lower upper \
    blocking_lock write_all_of read_recursive spliterator listIterator iterator ";
const MAYBE_INNER: &str = " first last get get_mut pop pop_front pop_back pop_first pop_last next nth find max min max_by max_by_key min_by min_by_key \
    first_mut last_mut peek peek_mut next_back front back front_mut back_mut shift at remove swap_remove poll findFirst findAny recv try_recv \
    setdefault getOrDefault computeIfAbsent put firstOrNull lastOrNull find_last findLast popleft popitem element pollFirst GetValueOrDefault \
    replace take_if reduce firstOrError ";

/// What a container of that name does; `None`: it is none.
pub fn shape(name: &str) -> Option<Shape> {
    BY_NAME.get(name).copied()
}

static BY_NAME: LazyLock<HashMap<&str, Shape>> = LazyLock::new(|| {
    // What stands first wins.
    let rows = SHAPES.iter().rev();
    rows.flat_map(|(shape, names)| names.split_whitespace().map(move |name| (name, *shape))).collect()
});

static BY_METHOD: LazyLock<HashMap<&str, Gives>> = LazyLock::new(|| {
    let rows = [(MAYBE_INNER, Gives::MaybeInner), (SAME, Gives::Same), (INNER, Gives::Inner)];
    rows.iter().flat_map(|(names, gives)| names.split_whitespace().map(move |name| (name, *gives))).collect()
});

/// What a method of a container gives; `None`: nothing that is known.
pub fn gives(shape: Shape, method: &str) -> Option<Gives> {
    match (shape, method) {
        (Shape::Map, "values" | "values_mut" | "into_values" | "Values") => Some(Gives::Values),
        (Shape::Map, "keys" | "into_keys" | "Keys" | "keySet") => Some(Gives::Keys),
        (Shape::Map, "items" | "iter" | "iter_mut" | "into_iter" | "drain" | "entries" | "entrySet") => {
            Some(Gives::Pairs)
        }
        (Shape::List, "values") => Some(Gives::Same),
        (Shape::Pointer, "get" | "peek" | "value" | "unwrap" | "expect") => Some(Gives::Same),
        (Shape::Maybe, "get" | "take" | "first" | "replace") => Some(Gives::Inner),
        _ => BY_METHOD.get(method).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_and_their_methods_are_known() {
        assert_eq!(
            (shape("Vec"), shape("dict"), shape("Pool"), shape("")),
            (Some(Shape::List), Some(Shape::Map), None, None)
        );
        assert_eq!(gives(Shape::Map, "values"), Some(Gives::Values));
        assert_eq!(gives(Shape::List, "pop"), Some(Gives::MaybeInner));
        assert_eq!(gives(Shape::Pointer, "lock"), Some(Gives::Same));
        assert_eq!(gives(Shape::List, "push"), None);
    }
}
