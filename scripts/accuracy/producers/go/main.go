// Says what go/types knows of a tree of packages, one fact a line (see src/truth/lines.rs): where things are defined, and what names mean.
// Usage: truth-go ROOT. Symbols are called by where they are defined.
package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

var (
	files = token.NewFileSet()
	root  string
	out   = bufio.NewWriter(os.Stdout)
)

func main() {
	root, _ = filepath.EvalSymlinks(os.Args[1])
	defer out.Flush()
	imported := importer.ForCompiler(files, "source", nil)
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		if pkg, err := build.ImportDir(path, 0); err == nil || pkg != nil {
			check(path, append(pkg.GoFiles, pkg.TestGoFiles...), imported)
			check(path, pkg.XTestGoFiles, imported)
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(folder string, names []string, imported types.Importer) {
	var parsed []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(files, filepath.Join(folder, name), nil, 0)
		if err == nil {
			parsed = append(parsed, file)
		}
	}
	if len(parsed) == 0 {
		return
	}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: imported, FakeImportC: true, Error: func(err error) { fmt.Fprintln(os.Stderr, err) }}
	config.Check(folder, files, parsed, info)
	for ident, object := range info.Defs {
		if object != nil && ident.Name != "_" {
			define(ident, object)
		}
	}
	for _, file := range parsed {
		calls := map[*ast.Ident]bool{}
		ast.Inspect(file, func(node ast.Node) bool {
			if call, is := node.(*ast.CallExpr); is {
				if name := called(call.Fun); name != nil {
					calls[name] = true
				}
			}
			return true
		})
		ast.Inspect(file, func(node ast.Node) bool {
			if ident, is := node.(*ast.Ident); is && info.Uses[ident] != nil {
				use(ident, info.Uses[ident], calls[ident])
			}
			return true
		})
	}
}

// The name that a call names, if it names one.
func called(fun ast.Expr) *ast.Ident {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun
	case *ast.SelectorExpr:
		return fun.Sel
	case *ast.ParenExpr:
		return called(fun.X)
	case *ast.IndexExpr:
		return called(fun.X)
	case *ast.IndexListExpr:
		return called(fun.X)
	}
	return nil
}

// Where a position is below the root, as `path<tab>offset`; a package of the standard library is imported from where Go has it.
func place(position token.Pos) (string, bool) {
	where := files.Position(position)
	if !position.IsValid() {
		return "", false
	}
	resolved, err := filepath.EvalSymlinks(where.Filename)
	if err != nil {
		return "", false
	}
	library, _ := filepath.EvalSymlinks(filepath.Join(build.Default.GOROOT, "src"))
	for _, base := range []string{root, library} {
		relative, err := filepath.Rel(base, resolved)
		if err != nil || strings.HasPrefix(relative, "..") {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, relative)); err == nil {
			return fmt.Sprintf("%s\t%d", relative, where.Offset), true
		}
	}
	return "", false
}

// Why a definition is none that others can name: "" is one that they can.
func class(object types.Object) string {
	atTop := object.Parent() != nil && object.Pkg() != nil && object.Parent() == object.Pkg().Scope()
	switch object := object.(type) {
	case *types.PkgName:
		return "import"
	case *types.Label:
		return "label"
	case *types.Var:
		if object.IsField() || atTop {
			return ""
		}
		return "local"
	case *types.TypeName:
		if _, parameter := object.Type().(*types.TypeParam); parameter {
			return "type parameter"
		}
		if atTop {
			return ""
		}
		return "local type"
	case *types.Const:
		if atTop {
			return ""
		}
		return "local"
	}
	return ""
}

func symbol(object types.Object) (string, bool) {
	at, inside := place(object.Pos())
	return strings.ReplaceAll(at, "\t", ":"), inside
}

func define(ident *ast.Ident, object types.Object) {
	at, inside := place(ident.Pos())
	name, _ := symbol(object)
	if inside {
		fmt.Fprintf(out, "def\t%s\t%s\t%s\t%s\n", name, at, ident.Name, class(object))
	}
}

func use(ident *ast.Ident, object types.Object, isCall bool) {
	at, inside := place(ident.Pos())
	if !inside {
		return
	}
	if _, is := object.(*types.PkgName); is {
		return
	}
	if function, is := object.(*types.Func); is {
		object = function.Origin()
	}
	if variable, is := object.(*types.Var); is {
		object = variable.Origin()
	}
	name, known := symbol(object)
	if !known {
		name = "-"
	}
	_, isType := object.(*types.TypeName)
	call := ""
	if isCall && !isType {
		call = "call"
	}
	fmt.Fprintf(out, "use\t%s\t%s\t%s\n", name, at, call)
}
