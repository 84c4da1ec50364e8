// Says what javac knows of a tree of Java, one fact a line (see src/truth/lines.rs): where things are defined, and what names mean.
// Usage: java Truth.java ROOT. Symbols are called by where they are defined.

import com.sun.source.tree.*;
import com.sun.source.util.*;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.stream.*;
import javax.lang.model.element.*;
import javax.tools.*;

public class Truth {
    static Path root;
    static Trees trees;
    static SourcePositions positions;
    static PrintStream out;

    public static void main(String[] arguments) throws Exception {
        root = Path.of(arguments[0]).toRealPath();
        out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false, StandardCharsets.UTF_8);
        List<Path> sources;
        try (Stream<Path> paths = Files.walk(root)) {
            sources = paths.filter(path -> path.toString().endsWith(".java")).sorted().collect(Collectors.toList());
        }
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        JavacTask task = (JavacTask) compiler.getTask(new PrintWriter(System.err), manager, null,
            List.of("-proc:none", "-nowarn", "-Xmaxerrs", "20"), null, manager.getJavaFileObjectsFromPaths(sources));
        Iterable<? extends CompilationUnitTree> units = task.parse();
        task.analyze();
        trees = Trees.instance(task);
        positions = trees.getSourcePositions();
        for (CompilationUnitTree unit : units) new Reader(unit).scan(unit, null);
        out.flush();
    }

    /** The bytes before each character of a text. */
    static int[] byteOffsets(CharSequence text) {
        int[] offsets = new int[text.length() + 1];
        for (int i = 0, bytes = 0; i < text.length(); i++) {
            offsets[i] = bytes;
            char c = text.charAt(i);
            bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : Character.isSurrogate(c) ? 2 : 3;
            offsets[i + 1] = bytes;
        }
        return offsets;
    }

    static final Map<Element, String> PLACES = new HashMap<>();

    /** Where an element's name stands, as `path<tab>offset`; nothing if it is not of this tree. */
    static String place(Element element) throws IOException {
        if (PLACES.containsKey(element)) return PLACES.get(element);
        TreePath path = element == null ? null : trees.getPath(element);
        String found = path == null ? null : place(path, element);
        PLACES.put(element, found);
        return found;
    }

    static String place(TreePath path, Element element) throws IOException {
        CompilationUnitTree unit = path.getCompilationUnit();
        CharSequence text = unit.getSourceFile().getCharContent(true);
        long start = positions.getStartPosition(unit, path.getLeaf());
        if (start < 0) return null;
        String name = element.getKind() == ElementKind.CONSTRUCTOR ? element.getEnclosingElement().getSimpleName().toString()
            : element.getSimpleName().toString();
        int at = nameAfter(text, path.getLeaf(), unit, (int) start, name);
        return at < 0 ? null : file(unit) + "\t" + byteOffsets(text)[at];
    }

    static String file(CompilationUnitTree unit) {
        return root.relativize(Path.of(unit.getSourceFile().toUri())).toString().replace(File.separatorChar, '/');
    }

    /** The name of a declaration stands behind its modifiers, its type parameters and its type. */
    static int nameAfter(CharSequence text, Tree tree, CompilationUnitTree unit, int start, String name) {
        long from = start;
        if (tree instanceof ClassTree) {
            from = Math.max(from, positions.getEndPosition(unit, ((ClassTree) tree).getModifiers()));
        } else if (tree instanceof MethodTree) {
            MethodTree method = (MethodTree) tree;
            from = Math.max(from, positions.getEndPosition(unit, method.getModifiers()));
            for (Tree parameter : method.getTypeParameters()) from = Math.max(from, positions.getEndPosition(unit, parameter));
            if (method.getReturnType() != null) from = Math.max(from, positions.getEndPosition(unit, method.getReturnType()));
        } else if (tree instanceof VariableTree) {
            VariableTree variable = (VariableTree) tree;
            from = Math.max(from, positions.getEndPosition(unit, variable.getModifiers()));
            // The type of an enum's constant is made up, and stands at the name.
            boolean constant = variable.getType() != null && positions.getStartPosition(unit, variable.getType()) >= 0
                && positions.getEndPosition(unit, variable.getType()) > positions.getStartPosition(unit, variable.getType())
                && !text.subSequence((int) positions.getStartPosition(unit, variable.getType()),
                    (int) positions.getEndPosition(unit, variable.getType())).toString().equals(name);
            if (constant) from = Math.max(from, positions.getEndPosition(unit, variable.getType()));
        }
        return word(text, (int) from, name);
    }

    static int word(CharSequence text, int from, String name) {
        String all = text.toString();
        for (int at = all.indexOf(name, from); at >= 0; at = all.indexOf(name, at + 1)) {
            boolean before = at > 0 && Character.isJavaIdentifierPart(all.charAt(at - 1));
            int end = at + name.length();
            boolean after = end < all.length() && Character.isJavaIdentifierPart(all.charAt(end));
            if (!before && !after) return at;
        }
        return -1;
    }

    /** Why a definition is none that others can name: empty if they can. */
    static String kept(Element element) {
        switch (element.getKind()) {
            case PARAMETER: case EXCEPTION_PARAMETER: return "parameter";
            case LOCAL_VARIABLE: case RESOURCE_VARIABLE: case BINDING_VARIABLE: return "local";
            case TYPE_PARAMETER: return "type parameter";
            default: break;
        }
        for (Element above = element.getEnclosingElement(); above != null; above = above.getEnclosingElement())
            if (above.getKind() == ElementKind.METHOD || above.getKind() == ElementKind.CONSTRUCTOR) return "local type";
        return "";
    }

    static final class Reader extends TreePathScanner<Void, Void> {
        final CompilationUnitTree unit;
        final CharSequence text;
        final int[] bytes;

        Reader(CompilationUnitTree unit) throws IOException {
            this.unit = unit;
            this.text = unit.getSourceFile().getCharContent(true);
            this.bytes = byteOffsets(text);
        }

        void define(Tree tree) {
            Element element = trees.getElement(getCurrentPath());
            if (element == null || element.getSimpleName().length() == 0) return;
            long start = positions.getStartPosition(unit, tree);
            // What the compiler adds (a constructor that nobody wrote) stands nowhere.
            if (start < 0 || positions.getEndPosition(unit, tree) < 0) return;
            if (tree instanceof MethodTree && ((MethodTree) tree).getReturnType() == null
                && positions.getStartPosition(unit, tree) == positions.getStartPosition(unit, getCurrentPath().getParentPath().getLeaf())) return;
            try {
                String at = place(element);
                if (at == null) return;
                String name = element.getKind() == ElementKind.CONSTRUCTOR ? element.getEnclosingElement().getSimpleName().toString()
                    : element.getSimpleName().toString();
                out.println("def\t" + at.replace('\t', ':') + "\t" + at + "\t" + name + "\t" + kept(element));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void use(Element element, int at, boolean isCall) {
            if (element == null || at < 0) return;
            if (element.getKind() == ElementKind.PACKAGE) return;
            try {
                String target = place(element);
                // A constructor that nobody wrote is its class.
                if (target == null && element.getKind() == ElementKind.CONSTRUCTOR) target = place(element.getEnclosingElement());
                String symbol = target == null ? "-" : target.replace('\t', ':');
                out.println("use\t" + symbol + "\t" + file(unit) + "\t" + bytes[at] + "\t" + (isCall ? "call" : ""));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        int nameOf(Tree tree) {
            if (tree instanceof IdentifierTree) return (int) positions.getStartPosition(unit, tree);
            if (tree instanceof MemberSelectTree) {
                MemberSelectTree select = (MemberSelectTree) tree;
                return word(text, (int) positions.getEndPosition(unit, select.getExpression()), select.getIdentifier().toString());
            }
            if (tree instanceof ParameterizedTypeTree) return nameOf(((ParameterizedTypeTree) tree).getType());
            if (tree instanceof AnnotatedTypeTree) return nameOf(((AnnotatedTypeTree) tree).getUnderlyingType());
            return -1;
        }

        @Override public Void visitClass(ClassTree tree, Void none) { define(tree); return super.visitClass(tree, none); }
        @Override public Void visitMethod(MethodTree tree, Void none) { define(tree); return super.visitMethod(tree, none); }
        @Override public Void visitVariable(VariableTree tree, Void none) { define(tree); return super.visitVariable(tree, none); }
        @Override public Void visitTypeParameter(TypeParameterTree tree, Void none) { define(tree); return super.visitTypeParameter(tree, none); }

        @Override public Void visitMethodInvocation(MethodInvocationTree tree, Void none) {
            use(trees.getElement(getCurrentPath()), nameOf(tree.getMethodSelect()), true);
            return super.visitMethodInvocation(tree, none);
        }

        @Override public Void visitNewClass(NewClassTree tree, Void none) {
            Element made = trees.getElement(getCurrentPath());
            // `new Base() { … }` makes an instance of what was written, not of the class without a name.
            if (tree.getClassBody() != null) made = trees.getElement(new TreePath(getCurrentPath(), tree.getIdentifier()));
            use(made, nameOf(tree.getIdentifier()), true);
            return super.visitNewClass(tree, none);
        }

        boolean isCalled(Tree tree) {
            Tree parent = getCurrentPath().getParentPath().getLeaf();
            if (parent instanceof ParameterizedTypeTree) parent = getCurrentPath().getParentPath().getParentPath().getLeaf();
            return parent instanceof MethodInvocationTree && ((MethodInvocationTree) parent).getMethodSelect() == tree
                || parent instanceof NewClassTree && !(((NewClassTree) parent).getArguments().contains(tree));
        }

        @Override public Void visitIdentifier(IdentifierTree tree, Void none) {
            if (!isCalled(tree)) use(trees.getElement(getCurrentPath()), nameOf(tree), false);
            return super.visitIdentifier(tree, none);
        }

        @Override public Void visitMemberSelect(MemberSelectTree tree, Void none) {
            if (!isCalled(tree)) use(trees.getElement(getCurrentPath()), nameOf(tree), false);
            return super.visitMemberSelect(tree, none);
        }
    }
}
