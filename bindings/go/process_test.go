package mmx_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/libmmx/mmx"
)

// A library of another binary interface is an error of New, before any other function is called.
func TestLibraryThatDoesNotFit(t *testing.T) {
	folder := t.TempDir()
	library := filepath.Join(folder, "libmmx.so.1")
	versions := "-Wl,--version-script=" + filepath.Join(root, "packaging", "mmx.map")
	compile := exec.Command("cc", "-shared", "-fPIC", "-Wl,-soname,libmmx.so.1", versions, "-x", "c", "-", "-o", library)
	compile.Stdin = strings.NewReader(stub(t))
	if output, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, output)
	}
	program, err := os.Executable()
	must(t, err)
	command := exec.Command(program)
	command.Env = append(os.Environ(), "MMX_TEST_NEW_ONLY=1", "LD_LIBRARY_PATH="+folder)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	want := fmt.Sprintf("client_new: this program was built for libmmx %s (binary interface 1), "+
		"but the library loaded is 9.8.7 (binary interface 99): %s\n", mmx.LibraryVersion(), library)
	if string(output) != want {
		t.Errorf("%q, not %q", output, want)
	}
}

// A header of another binary interface doesn't compile.
func TestHeaderThatDoesNotFit(t *testing.T) {
	folder := t.TempDir()
	header, err := os.ReadFile(filepath.Join(root, "include", "mmx.h"))
	must(t, err)
	other := strings.Replace(string(header), "#define MMX_ABI_VERSION 1\n", "#define MMX_ABI_VERSION 99\n", 1)
	must(t, os.WriteFile(filepath.Join(folder, "mmx.h"), []byte(other), 0o600))
	description := fmt.Sprintf("Name: mmx\nDescription: mmx\nVersion: 1\nCflags: -I%s\nLibs: -lmmx\n", folder)
	must(t, os.WriteFile(filepath.Join(folder, "mmx.pc"), []byte(description), 0o600))
	build := exec.Command("go", "build", ".")
	// Go's cache ignores headers: the flag makes this one part of the key.
	build.Env = append(os.Environ(), "PKG_CONFIG_PATH="+folder, "CGO_CFLAGS=-I"+folder)
	output, err := build.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "written for MMX_ABI_VERSION 1 of mmx.h") {
		t.Errorf("%v %s", err, output)
	}
}

// stub has every function of the header: two that return a version, and others that must not be called.
func stub(t *testing.T) string {
	header, err := os.ReadFile(filepath.Join(root, "include", "mmx.h"))
	must(t, err)
	code := strings.Builder{}
	code.WriteString("unsigned mmx_abi_version(void) { return 99; }\n" +
		"const char *mmx_version(void) { return \"9.8.7\"; }\n" +
		"const char *mmx_status_name(int status) { (void)status; return \"\"; }\n")
	declared := regexp.MustCompile(`(?m)^[a-z][\w ]*[ *](mmx_\w+)\(`)
	for _, match := range declared.FindAllStringSubmatch(string(header), -1) {
		switch name := match[1]; name {
		case "mmx_abi_version", "mmx_version", "mmx_status_name":
		default:
			fmt.Fprintf(&code, "void %s(void) { __builtin_trap(); }\n", name)
		}
	}
	return code.String()
}

// Without cgo the build fails, and says so.
func TestBuildWithoutCgo(t *testing.T) {
	for _, folder := range []string{".", filepath.Join(root, "examples", "go", "delete")} {
		build := exec.Command("go", "build", "-o", os.DevNull, ".")
		build.Dir = folder
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		output, err := build.CombinedOutput()
		if err == nil || !strings.Contains(string(output), "mmx_requires_cgo_set_CGO_ENABLED_1") {
			t.Errorf("%s: %v: %s", folder, err, output)
		}
	}
}

// However servers end connections, a Go program gets no SIGPIPE.
func TestNoSIGPIPE(t *testing.T) {
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			// Nothing is read: further data is answered by a reset.
			connection.(*net.TCPConn).SetLinger(0)
			connection.Close()
		}
	}()
	account := newAccount(t)
	account.script(fault{"times": -1, "close_after_answer": "rst", "body": `{"base_resp":{"status_code":0,"status_msg":""}}`})
	once := mmx.WithMaxAttempts(1)
	stale, broken := account.client(once), account.client(once, mmx.WithBaseURL("http://"+listener.Addr().String()))
	for range 50 {
		must(t, remove(background, stale))
		// A call is as fast as the server's close, and nobody can see one that is still to come.
		account.number("wait?open=0")
		if remove(background, broken) == nil {
			t.Fatal("nobody answered that")
		}
	}
	select {
	case <-pipes:
		t.Error("SIGPIPE")
	default:
	}
}

func example(t *testing.T, name string) (program string) {
	program = filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join(root, "examples", "go", name)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program
}

// Declarations for the code on the pages, which may shadow them.
const pieces = `package pieces

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log"
	"log/slog"
	"slices"
	"time"

	"example.com/libmmx/mmx"
)

var (
	client *mmx.Client
	ctx    context.Context
	err    error
	reader io.Reader
	writer io.Writer
	refs   []mmx.FileRef
	params mmx.UploadParams
	file   mmx.File
	files  iter.Seq[mmx.FileRef]

	_, _, _, _, _ = errors.Is, fmt.Println, log.Fatal, slog.Default, slices.Values[[]int]
	_, _          = fs.ErrNotExist, time.Second
)
`

// The Go code on the pages compiles.
func TestCodeOnPages(t *testing.T) {
	code, count := strings.Builder{}, 0
	code.WriteString(pieces)
	made := regexp.MustCompile(`(?m)^(\w+)(?:, (\w+))? :=`)
	for _, page := range []string{"README.md", "docs/cleaning-up.md", "docs/errors.md", "docs/go.md", "bindings/go/README.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		must(t, err)
		for _, block := range strings.Split(string(text), "\n```go\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			if strings.HasPrefix(block, "package ") {
				continue // a program, which another test runs
			}
			// "…" is left to the reader.
			block = strings.ReplaceAll(block, "…", "")
			fmt.Fprintf(&code, "\nfunc _() {\n%s\n", block)
			for _, names := range made.FindAllStringSubmatch(block, -1) {
				for _, name := range names[1:] {
					if name != "" {
						fmt.Fprintf(&code, "\t_ = %s\n", name)
					}
				}
			}
			code.WriteString("}\n")
			count++
		}
	}
	if count < 10 {
		t.Errorf("only %d blocks", count)
	}
	folder := module(t, "pieces.go", code.String())
	vet := exec.Command("go", "vet", ".")
	vet.Dir = folder
	if output, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, output, code.String())
	}
}

// module makes a module of one file, which uses this one.
func module(t *testing.T, name, code string) string {
	folder := t.TempDir()
	description := fmt.Sprintf("module page\n\ngo 1.24\n\nrequire example.com/libmmx/mmx v0.0.0\n\n"+
		"replace example.com/libmmx/mmx => %s\n", filepath.Join(root, "bindings", "go"))
	must(t, os.WriteFile(filepath.Join(folder, "go.mod"), []byte(description), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, name), []byte(code), 0o600))
	return folder
}

// The program of docs/go.md does what the page says.
func TestProgramOnPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "go.md"))
	must(t, err)
	_, block, _ := strings.Cut(string(page), "\n```go\n")
	block, _, _ = strings.Cut(block, "```")
	folder := module(t, "main.go", block)
	must(t, os.WriteFile(filepath.Join(folder, "voice.mp3"), content(1000), 0o600))
	account := newAccount(t)
	files := account.held()
	program := exec.Command("go", "run", ".", "voice.mp3")
	program.Dir = folder
	program.Env = append(os.Environ(), "MINIMAX_BASE_URL="+account.url())
	output, err := program.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "1000 bytes came back\n") {
		t.Errorf("%v\n%s", err, output)
	}
	if left := account.held(); !slices.Equal(left, files) {
		t.Errorf("%v, not %v", left, files)
	}
}

// The test of docs/testing.md passes, in a module of its own.
func TestTestingPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "testing.md"))
	must(t, err)
	_, block, _ := strings.Cut(string(page), "\n```go\n")
	block, _, _ = strings.Cut(block, "```")
	folder := module(t, "cleanup_test.go", block)
	test := exec.Command("go", "test", "-count=1", ".")
	test.Dir = folder
	test.Env = append(os.Environ(), "MMX_SANDBOX="+sandboxProgram())
	if output, err := test.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestExampleOfALife(t *testing.T) {
	account := newAccount(t)
	program := example(t, "life")
	path := filepath.Join(t.TempDir(), "a.mp3")
	must(t, os.WriteFile(path, content(2<<20), 0o600))
	files := account.control("GET", "files", nil)
	for path, want := range map[string]string{path: "the same bytes: true\ndeleted ", path + "x": "can't be read"} {
		command := exec.Command(program, path, "voice_clone")
		command.Env = append(os.Environ(), "MINIMAX_BASE_URL="+account.url())
		output, err := command.CombinedOutput()
		if (err == nil) != strings.Contains(want, "deleted") || !strings.Contains(string(output), want) {
			t.Errorf("%v %s", err, output)
		}
		t.Logf("%s", output)
	}
	if left := account.control("GET", "files", nil); string(left) != string(files) {
		t.Errorf("%s, not %s", left, files)
	}
}

func TestExample(t *testing.T) {
	account := newAccount(t)
	program := example(t, "delete")
	for _, run := range []struct {
		arguments []string
		want      string
		code      int
	}{
		{[]string{fmt.Sprint(seeded), "voice_clone"}, fmt.Sprintf("deleted %d\n", seeded), 0},
		{[]string{fmt.Sprint(seeded), "voice_clone"}, "2013", 1},
		{[]string{"9223372036854775808", "voice_clone"}, "out of range", 1},
		{nil, "invalid syntax", 1},
	} {
		command := exec.Command(program, run.arguments...)
		command.Env = append(os.Environ(), "MINIMAX_BASE_URL="+account.url())
		output, _ := command.CombinedOutput()
		if command.ProcessState.ExitCode() != run.code || !strings.Contains(string(output), run.want) {
			t.Errorf("%v: %d %s", run.arguments, command.ProcessState.ExitCode(), output)
		}
	}
	// A lookup follows the refusal.
	account.sent(3)
}

func TestExampleOfAPrune(t *testing.T) {
	account, _ := aged(t)
	program := example(t, "prune")
	for _, run := range []struct {
		arguments []string
		want      string
		code      int
		left      []int64
	}{
		{[]string{"t2a_async", "0"}, "at least one?", 1, []int64{1, 2, 3, 4, 5, 6}},
		{[]string{"t2a_async", "7"}, "2 of 5 files at 127.0.0.1", 0, []int64{1, 2, 3, 4, 5, 6}},
		{[]string{"-delete", "t2a_async", "7"}, "2 deleted\n", 1, []int64{1, 3, 4, 5, 6}},
		{[]string{"-delete", "t2a_async", "7"}, "1 deleted\n1 of 1 are gone\n", 0, []int64{3, 4, 5, 6}},
	} {
		if run.code == 1 {
			account.script(fault{"call": "delete", "file_id": 1, "code": 2013})
		}
		command := exec.Command(program, run.arguments...)
		command.Env = append(os.Environ(), "MINIMAX_BASE_URL="+account.url())
		output, _ := command.CombinedOutput()
		code, held := command.ProcessState.ExitCode(), account.held()
		if code != run.code || !strings.Contains(string(output), run.want) || !slices.Equal(held, run.left) {
			t.Errorf("%v: %d, %v is left: %s", run.arguments, code, held, output)
		}
		account.control("DELETE", "faults", nil)
	}
}
