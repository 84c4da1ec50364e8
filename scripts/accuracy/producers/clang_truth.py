#!/usr/bin/env python3
"""Says what clang knows of a tree of C or C++, one fact a line (see src/truth/lines.rs): where things are defined, and what names mean.
Usage: clang_truth.py c|c++ ROOT. Symbols are called by clang's unified symbol resolution."""
import functools
import os
import subprocess
import sys
from ctypes import byref, c_uint

from clang.cindex import CursorKind as K
from clang.cindex import File, Index, StorageClass, TranslationUnit, c_object_p, conf

LANGUAGE, ROOT = sys.argv[1], os.path.realpath(sys.argv[2])
SOURCES = {"c": (".c",), "c++": (".cc", ".cpp", ".cxx")}[LANGUAGE]
HEADERS = (".h", ".hh", ".hpp")
DEFINED = {
    K.FUNCTION_DECL, K.CXX_METHOD, K.CONSTRUCTOR, K.DESTRUCTOR, K.CONVERSION_FUNCTION, K.FUNCTION_TEMPLATE, K.CLASS_TEMPLATE, K.CLASS_DECL,
    K.STRUCT_DECL, K.UNION_DECL, K.ENUM_DECL, K.ENUM_CONSTANT_DECL, K.FIELD_DECL, K.TYPEDEF_DECL, K.TYPE_ALIAS_DECL, K.VAR_DECL,
    K.PARM_DECL, K.NAMESPACE, K.MACRO_DEFINITION, K.TEMPLATE_TYPE_PARAMETER, K.TEMPLATE_NON_TYPE_PARAMETER, K.TYPE_ALIAS_TEMPLATE_DECL,
    K.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION,
}
FUNCTIONS = {K.FUNCTION_DECL, K.CXX_METHOD, K.CONSTRUCTOR, K.DESTRUCTOR, K.FUNCTION_TEMPLATE, K.CONVERSION_FUNCTION}
lines = set()


def arguments():
    """What the compiler of this machine would look through, and every folder of the tree that has a header."""
    told = subprocess.run(["cc", "-x", LANGUAGE, "-E", "-v", "/dev/null"], capture_output=True, text=True, check=True).stderr
    listed = told.split("search starts here:")[-1].split("End of search")[0]
    system = [word for line in listed.splitlines() if line.strip().startswith("/") for word in ("-isystem", line.strip())]
    folders = {folder for folder, _, names in os.walk(ROOT) if any(name.endswith(HEADERS) for name in names)}
    folders |= {ROOT, os.path.join(ROOT, "include")}
    # Headers of this machine's compiler have vectors that another one does not understand; what a build would find out is said here.
    std = ["-std=gnu11", "-U__SSE2__", "-DZSTD_NO_INTRINSICS"] if LANGUAGE == "c" else ["-std=c++17", "-DLEVELDB_PLATFORM_POSIX=1"]
    return ["-x", LANGUAGE, *std, *system, *(f"-I{folder}" for folder in sorted(folders))]


def place(location):
    """`path<tab>offset` below the root, or nothing. What stands in a macro's arguments stands where it is written."""
    file, line, column, offset = c_object_p(), c_uint(), c_uint(), c_uint()
    conf.lib.clang_getFileLocation(location, byref(file), byref(line), byref(column), byref(offset))
    if not file:
        return None
    path = real(File(file).name)
    if not path.startswith(ROOT + os.sep):
        return None
    return f"{path[len(ROOT) + 1:]}\t{offset.value}"


@functools.cache
def real(path):
    return os.path.realpath(path)


@functools.cache
def text(path):
    with open(os.path.join(ROOT, path), "rb") as file:
        return file.read()


def is_written(name, at):
    """Whether the name stands there: what a macro's body names does not."""
    path, offset = at.split("\t")
    return text(path).startswith(name.encode(), int(offset))


def inside_function(cursor):
    parent = cursor.semantic_parent
    while parent is not None and parent.kind != K.TRANSLATION_UNIT:
        if parent.kind in FUNCTIONS:
            return True
        parent = parent.semantic_parent
    return False


def kept_from_others(cursor):
    """Why a definition is none that others can name: empty if they can."""
    if cursor.kind == K.PARM_DECL:
        return "parameter"
    if cursor.kind in (K.TEMPLATE_TYPE_PARAMETER, K.TEMPLATE_NON_TYPE_PARAMETER):
        return "type parameter"
    if cursor.kind == K.NAMESPACE:
        return "namespace"
    if cursor.kind == K.VAR_DECL and inside_function(cursor):
        return "local"
    if inside_function(cursor):
        return "local type"
    if cursor.kind in (K.CLASS_DECL, K.STRUCT_DECL) and not cursor.is_definition():
        return "forward declaration"
    if cursor.kind == K.VAR_DECL and cursor.storage_class == StorageClass.EXTERN and not cursor.is_definition():
        return "extern declaration"
    return ""


def symbol(cursor):
    if cursor is None or place(cursor.location) is None:
        return "-"
    # Functions without linkage outside may share a name: clang tells them apart by file.
    return cursor.get_usr().replace("\t", " ") or "-"


def pattern(cursor):
    """Of an instance of a template the template."""
    found = conf.lib.clang_getSpecializedCursorTemplate(cursor)
    return found if found is not None and found.kind != K.INVALID_FILE and not found.kind.is_invalid() else cursor


def use(cursor, at, is_call):
    target = cursor.referenced
    if at is None or target is None or not is_written(target.spelling.split("<")[0], at):
        return
    lines.add(f"use\t{symbol(pattern(target))}\t{at}\t{'call' if is_call else ''}")


def name_of_call(cursor):
    """The node that names what is called."""
    for child in cursor.get_children():
        node = child
        while node.kind in (K.UNEXPOSED_EXPR, K.PAREN_EXPR):
            children = list(node.get_children())
            if not children:
                return None
            node = children[0]
        return node if node.kind in (K.DECL_REF_EXPR, K.MEMBER_REF_EXPR) else None
    return None


def visit(cursor):
    called = set()
    stack = [cursor]
    while stack:
        node = stack.pop()
        if node.kind != K.TRANSLATION_UNIT and place(node.location) is None:
            continue
        at = place(node.location)
        if node.kind in DEFINED and node.spelling and not node.is_anonymous():
            name = node.spelling.split("<")[0]
            # `typedef struct { … } Pool;` names the struct, too, where it has no name; and a macro may make names.
            kept = kept_from_others(node) or ("" if is_written(name, at) else "not named there")
            lines.add(f"def\t{symbol(node)}\t{at}\t{name}\t{kept}")
        elif node.kind == K.CALL_EXPR:
            named = name_of_call(node)
            if named is not None and named.referenced is not None and named.spelling:
                use(named, place(named.location), True)
                called.add(place(named.location))
        elif node.kind in (K.DECL_REF_EXPR, K.MEMBER_REF_EXPR, K.TYPE_REF, K.TEMPLATE_REF):
            if at not in called:
                use(node, at, False)
        elif node.kind == K.MACRO_INSTANTIATION:
            tokens = node.extent.end.offset - node.extent.start.offset > len(node.spelling)
            use(node, at, tokens)
        stack.extend(reversed(list(node.get_children())))


def main():
    flags = arguments()
    options = TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD
    index = Index.create()
    n_failed = 0
    for folder, _, names in sorted(os.walk(ROOT)):
        for name in sorted(names):
            if not name.endswith(SOURCES):
                continue
            path = os.path.join(folder, name)
            unit = index.parse(path, args=flags, options=options)
            errors = [diagnostic for diagnostic in unit.diagnostics if diagnostic.severity >= 3]
            if errors:
                # What the compiler did not understand it tells nothing true of.
                n_failed += 1
                print(f"{path[len(ROOT) + 1:]}: {errors[0].spelling}", file=sys.stderr)
                continue
            visit(unit.cursor)
    print(f"{n_failed} files not understood", file=sys.stderr)
    sys.stdout.write("".join(line + "\n" for line in sorted(lines)))


main()
