package profile

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// Options say where a profile's variables get their values. Later sources win: a variable's default, the environment
// (MACHINECTL_VAR_<name>), the files in their order, Vars.
type Options struct {
	// Vars are values by name, as text: literal for a variable of type string (or without a type), an HCL expression for
	// every other.
	Vars map[string]string
	// VarFiles are HCL files with one `name = constant` per variable.
	VarFiles []string
	// Env looks up an environment variable. nil: there are none.
	Env func(name string) (string, bool)
	// FS is read instead of the operating system's files. Its paths have no leading slash.
	FS fs.FS
}

// VarEnvPrefix and a variable's name make the environment variable that gives it a value.
const VarEnvPrefix = "MACHINECTL_VAR_"

// Load reads profile files, and of directories all files named *.hcl (but not *.vars.hcl, which are for
// [Options].VarFiles; nothing below subdirectories). All files together are one profile.
//
// The profile is complete only if the diagnostics have no errors; it is never nil. Diagnostics are in the order of the
// files and of what is in them; warnings are among them and can be told apart by their severity (diag.Split).
func Load(paths []string, opts Options) (*Profile, hcl.Diagnostics) {
	l := newLoader(opts)
	for _, path := range paths {
		l.addPath(path)
	}
	if len(paths) == 0 {
		l.report(diag.Error(hcl.Range{}, "No profile given", "", "Name a profile file, or a directory with *.hcl files."))
	}
	return l.load()
}

// LoadBytes is like [Load], for one profile in memory. filename is used in its diagnostics.
func LoadBytes(src []byte, filename string, opts Options) (*Profile, hcl.Diagnostics) {
	l := newLoader(opts)
	l.addSource(filename, src)
	return l.load()
}

// loader is one run of Load.
type loader struct {
	reader
	opts    Options
	sources map[string][]byte
	conceal *concealment
	files   []string // names of the profile's files, in order
	order   []string // names of all sources, in order
	grammar *block

	project   *hclsyntax.Block // nil: none is declared
	variables []*variable
	locals    map[string]*hclsyntax.Attribute
	machines  []declared // those of modules too
	pools     []declared
	empty     []*hclsyntax.Block    // pools whose for_each is empty, those of modules too
	prefix    string                // of names within a module
	within    []string              // directories of the modules that are being read
	given     map[string]givenValue // a module's inputs; nil outside of modules
	byName    map[string]*object    // machines as they were read
	merged    map[string]*object    // machines after inheritance
	absences  []absence
	spelled   map[string][]spelled // capability names, by the argument that has them
	discreet  map[hcl.Range]string // what is wrong with a queue's URL, without a piece of it
	portless  map[hcl.Range]bool   // headers of services whose missing port has been reported
}

// declared is a machine or pool block that was read.
type declared struct {
	name string
	*object
}

func newLoader(opts Options) *loader {
	secrets := newSecretTable()
	l := &loader{
		reader:   reader{secrets: secrets, sensitive: &sensitiveSet{}},
		opts:     opts,
		sources:  map[string][]byte{},
		conceal:  &concealment{},
		grammar:  language(),
		locals:   map[string]*hclsyntax.Attribute{},
		byName:   map[string]*object{},
		merged:   map[string]*object{},
		spelled:  map[string][]spelled{},
		portless: map[hcl.Range]bool{}, discreet: map[hcl.Range]string{},
	}
	l.scope = newScope(secrets, &outside{read: l.readFile, cost: &cost{}, env: map[string]cty.Value{}})
	return l
}

func (l *loader) load() (*Profile, hcl.Diagnostics) {
	p := &Profile{Machines: map[string]*Machine{}}
	if bodies, ok := l.parseAll(); ok {
		l.evaluate(p, bodies)
	}
	if l.project != nil {
		p.Project = l.project.Labels[0]
	}
	for _, b := range l.empty {
		p.EmptyPools = append(p.EmptyPools, b.Labels[0])
	}
	p.Order, p.Sensitive = l.order, l.sensitive.list()
	p.Sources = l.concealed()
	return p, diag.Sort(l.diags, l.order)
}

// parseAll parses every file. Where one has wrong syntax, what the others refer to may be in there: looking further would
// only report consequences.
func (l *loader) parseAll() (bodies []*hclsyntax.Body, ok bool) {
	ok = true
	for _, name := range l.files {
		body, good := l.parse(name)
		bodies, ok = append(bodies, body), ok && good
	}
	return bodies, ok
}

// evaluate goes through the steps of the language: what is declared, inheritance, pools, checks.
func (l *loader) evaluate(p *Profile, bodies []*hclsyntax.Body) {
	l.read(bodies)
	l.machines = l.unique("machine", l.machines)
	l.pools = l.unique("pool", l.pools)
	l.inherit()
	before := len(l.diags)
	l.build(p)
	if len(*l.sensitive) > 0 {
		l.diags = append(l.diags[:before], Disguised(l.diags[before:], l.disguise(p))...)
	}
	l.explainVariables()
	if !l.diags.HasErrors() {
		l.warn()
	}
}

// read reads the files of one directory: environment, variables, locals, modules, machines, pools, in this order.
func (l *loader) read(bodies []*hclsyntax.Body) {
	for _, body := range bodies {
		for _, b := range body.Blocks {
			if b.Type == "environment" && len(b.Labels) == 1 {
				l.declareEnvironment(environmentBlock(), b)
			}
		}
	}
	var d declarations
	for _, body := range bodies {
		l.declarations(body, &d)
	}
	l.evaluateVariables()
	l.evaluateLocals()
	for _, b := range d.modules {
		l.module(moduleBlock(), b)
	}
	for _, b := range d.machines {
		l.declareMachine(b)
	}
	for _, b := range d.machines {
		l.machines = append(l.machines, l.instances(l.grammar.child("machine"), b)...)
	}
	for _, b := range d.pools {
		made := l.instances(l.grammar.child("pool"), b)
		if l.emptyFor(b, made) {
			l.empty = append(l.empty, b)
		}
		l.pools = append(l.pools, made...)
	}
}

// unique reports names that for_each or modules made twice.
func (l *loader) unique(kind string, list []declared) []declared {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(d declared) bool {
		if seen[d.name] {
			l.scope.lost[kind] = true
			l.report(diag.Error(d.header, fmt.Sprintf("Repeated %s %q", kind, d.name), "Another block, for_each or module makes the same name.", "Give one of them another name."))
		}
		was := seen[d.name]
		seen[d.name] = true
		return was
	})
}

// declarations are the blocks that are read after variables and locals.
type declarations struct {
	modules, machines, pools []*hclsyntax.Block
}

// declarations takes the top level of a file apart. Names are unique over all files of a directory.
func (l *loader) declarations(body *hclsyntax.Body, d *declarations) {
	for _, attr := range sortedAttributes(body) {
		if l.grammar.child(attr.Name) != nil {
			l.argument(l.grammar, attr)
			continue
		}
		l.report(diag.Error(attr.NameRange, "Argument outside of a block", "A profile has blocks only.",
			"If other parts of the profile should use it, write locals { "+attr.Name+" = … }."))
	}
	for _, b := range body.Blocks {
		g := l.blockGrammar(l.grammar, b)
		if g == nil {
			l.declareUnknown(b)
			continue
		}
		switch g.name {
		case "project":
			l.declareProject(g, b)
		case "variable":
			l.declareVariable(g, b)
		case "locals":
			l.declareLocals(b)
		case "module":
			d.modules = l.firstOfName(g, b, d.modules)
		case "machine":
			d.machines = l.firstOfName(g, b, d.machines)
		case "pool":
			d.pools = l.firstOfName(g, b, d.pools)
		}
	}
}

// firstOfName adds a block to the earlier ones, or reports that its name is taken.
func (l *loader) firstOfName(g *block, b *hclsyntax.Block, earlier []*hclsyntax.Block) []*hclsyntax.Block {
	for _, e := range earlier {
		if e.Labels[0] == b.Labels[0] {
			l.report(repeatedBlock(g, b, e))
			l.scope.lost[g.name] = true // one of the two may be another one, with a wrong name
			return earlier
		}
	}
	return append(earlier, b)
}
