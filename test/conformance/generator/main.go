// Compiles OPA's own test cases for WASM, as OPA's end-to-end test of its WASM SDK does, and writes what a runner in
// another language needs: cases.json and one <sha256>.wasm.gz for each distinct module. JSON stands in cases.json as
// text, so that no reader rounds its numbers.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/types"
	"github.com/open-policy-agent/opa/v1/util"
)

// entry is one case. Data, input and result are texts: JSON, the input that comes as a Rego term in Rego.
type entry struct {
	Suite         string   `json:"suite"`
	Category      string   `json:"category"`
	File          string   `json:"file"`
	Note          string   `json:"note"`
	Query         string   `json:"query"`
	Modules       []string `json:"modules"`
	Data          *string  `json:"data,omitempty"`
	Input         *string  `json:"input,omitempty"`
	InputTerm     *string  `json:"inputTerm,omitempty"`
	WantDefined   *bool    `json:"wantDefined,omitempty"`
	WantResult    *string  `json:"wantResult,omitempty"`
	WantErrorCode *string  `json:"wantErrorCode,omitempty"`
	WantError     *string  `json:"wantError,omitempty"`
	SortBindings  bool     `json:"sortBindings,omitempty"`
	StrictError   bool     `json:"strictError,omitempty"`
	Exempt        string   `json:"exempt,omitempty"`
	Wasm          string   `json:"wasm"`
}

type suite struct {
	name    string
	version ast.RegoVersion
}

type job struct {
	suite suite
	test  cases.TestCase
}

func main() {
	opa := flag.String("opa", "", "folder of OPA's module")
	out := flag.String("out", "", "folder to write to")
	flag.Parse()
	registerSleep()
	if err := generate(*opa, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(opa, out string) error {
	exempt, err := readExceptions(filepath.Join(opa, "internal/wasm/sdk/test/e2e/exceptions.yaml"))
	if err != nil {
		return err
	}
	jobs, err := loadAll(filepath.Join(opa, "v1/test/cases/testdata"))
	if err != nil {
		return err
	}
	entries := make([]entry, len(jobs))
	err = inParallel(jobs, func(i int) error {
		e, err := compileCase(jobs[i], out)
		if err != nil {
			return fmt.Errorf("%s: %w", jobs[i].test.Note, err)
		}
		e.Exempt = exempt[e.Note]
		entries[i] = e
		return nil
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "cases.json"), text, 0o644)
}

func readExceptions(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	exempt := map[string]string{}
	return exempt, util.Unmarshal(text, &exempt)
}

func loadAll(testdata string) ([]job, error) {
	var jobs []job
	for _, s := range []suite{{"v1", ast.RegoV1}, {"v0", ast.RegoV0}} {
		root := filepath.Join(testdata, s.name)
		set, err := cases.Load(root)
		if err != nil {
			return nil, err
		}
		for _, test := range set.Sorted().Cases {
			if test.Filename, err = filepath.Rel(root, test.Filename); err != nil {
				return nil, err
			}
			jobs = append(jobs, job{s, test})
		}
	}
	return jobs, nil
}

func inParallel(jobs []job, work func(i int) error) error {
	var next, done atomic.Int64
	var group sync.WaitGroup
	var once sync.Once
	var failure error
	for range runtime.NumCPU() {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(jobs); i = int(next.Add(1)) - 1 {
				if err := work(i); err != nil {
					once.Do(func() { failure = err })
					return
				}
				if n := done.Add(1); n%250 == 0 || int(n) == len(jobs) {
					fmt.Fprintf(os.Stderr, "compiled %d of %d cases\n", n, len(jobs))
				}
			}
		})
	}
	group.Wait()
	return failure
}

func compileCase(j job, out string) (entry, error) {
	e, err := describe(j)
	if err != nil {
		return e, err
	}
	options := []func(*rego.Rego){
		rego.Query(j.test.Query),
		rego.SetRegoVersion(j.suite.version),
		rego.Capabilities(ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(j.test.ExperimentalKeywords))),
	}
	for i, module := range j.test.Modules {
		options = append(options, rego.Module(fmt.Sprintf("module-%d.rego", i), module))
	}
	compiled, err := rego.New(options...).Compile(context.Background())
	if err != nil {
		return e, err
	}
	e.Wasm, err = store(compiled.Bytes, out)
	return e, err
}

func describe(j job) (entry, error) {
	test := j.test
	e := entry{
		Suite: j.suite.name, Category: filepath.ToSlash(filepath.Dir(test.Filename)), File: filepath.ToSlash(test.Filename),
		Note: test.Note, Query: test.Query, Modules: test.Modules, WantDefined: test.WantDefined,
		WantErrorCode: test.WantErrorCode, WantError: test.WantError, SortBindings: test.SortBindings,
		StrictError: test.StrictError,
	}
	var err error
	if test.Data != nil {
		if e.Data, err = jsonText(test.Data); err != nil {
			return e, err
		}
	}
	if test.WantResult != nil {
		if e.WantResult, err = jsonText(test.WantResult); err != nil {
			return e, err
		}
	}
	if test.InputTerm != nil {
		term, err := ast.ParseTerm(*test.InputTerm)
		if err != nil {
			return e, err
		}
		text := term.String()
		e.InputTerm = &text
	} else if test.Input != nil {
		e.Input, err = jsonText(test.Input)
	}
	return e, err
}

func jsonText(value any) (*string, error) {
	bytes, err := json.Marshal(value)
	text := string(bytes)
	return &text, err
}

func store(wasm []byte, out string) (string, error) {
	sum := sha256.Sum256(wasm)
	name := hex.EncodeToString(sum[:])
	file := filepath.Join(out, name+".wasm.gz")
	if _, err := os.Stat(file); err == nil {
		return name, nil
	}
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return "", err
	}
	if _, err := writer.Write(wasm); err != nil {
		return "", err
	}
	if err := writer.Close(); err != nil {
		return "", err
	}
	return name, os.WriteFile(file, packed.Bytes(), 0o644)
}

// OPA's runner has this builtin besides the standard ones; some cases call it.
func registerSleep() {
	rego.RegisterBuiltin1(
		&rego.Function{Name: "test.sleep", Decl: types.NewFunction(types.Args(types.S), types.NewNull())},
		func(rego.BuiltinContext, *ast.Term) (*ast.Term, error) { return ast.NullTerm(), nil },
	)
}
