package mmx_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/libmmx/mmx"
)

// The stand-in server, one for all tests; each has an account of its own there.
var server struct {
	HTTP       string `json:"http_url"`
	HTTPS      string `json:"https_url"`
	Expired    string `json:"https_expired_url"`
	WrongHost  string `json:"https_wrong_host_url"`
	UnknownCA  string `json:"https_unknown_ca_url"`
	SelfSigned string `json:"https_self_signed_url"`
	OwnCAFile  string `json:"self_signed_file"`
	NoLink     string `json:"https_no_intermediate_url"`
	Store      string `json:"store_url"`
	HTTPSStore string `json:"https_store_url"`
	CAFile     string `json:"ca_file"`
	Key        string `json:"api_key"`
}

const seeded = 176844028768320

var root = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}()

func TestMain(m *testing.M) {
	if os.Getenv("MMX_TEST_NEW_ONLY") != "" {
		_, err := mmx.New(mmx.WithAPIKey("k"))
		fmt.Println(err)
		os.Exit(0)
	}
	if path := os.Getenv("MMX_TEST_DOWNLOAD_TO"); path != "" {
		downloads(path)
	}
	if work := os.Getenv("MMX_TEST_LEAVE"); work != "" {
		leaves(work)
	}
	stop, err := startServer()
	if err != nil {
		fmt.Fprintln(os.Stderr, "the stand-in server can't be started:", err)
		os.Exit(1)
	}
	// The environment of the examples and of the package's documentation.
	os.Setenv("MINIMAX_API_KEY", server.Key)
	os.Setenv("MINIMAX_BASE_URL", server.HTTP+"/t/go-example")
	code := m.Run()
	stop()
	os.Exit(code)
}

// sandboxProgram returns the path of the stand-in server.
func sandboxProgram() string {
	target := os.Getenv("CARGO_TARGET_DIR")
	if target == "" {
		target = filepath.Join(root, "target")
	}
	return filepath.Join(target, "debug", "mmx-sandbox")
}

func startServer() (stop func(), err error) {
	program := sandboxProgram()
	if !isCurrent(program) {
		build := exec.Command("cargo", "build", "--quiet", "--package", "mmx-sandbox")
		build.Dir, build.Stderr = root, os.Stderr
		if err := build.Run(); err != nil {
			return nil, err
		}
	}
	// It refuses whatever the library doesn't send, and ends when this process does, however that comes.
	command := exec.Command(program, "--ready-json", "--strict", "--stop-with-stdin")
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	// It ends when its standard input ends.
	return func() { input.Close(); command.Wait() }, json.Unmarshal(line, &server)
}

// isCurrent tells whether the program is there and newer than its sources.
func isCurrent(program string) bool {
	built, err := os.Stat(program)
	if err != nil {
		return false
	}
	err = filepath.WalkDir(filepath.Join(root, "tests", "sandbox", "src"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if source, err := entry.Info(); err != nil || source.ModTime().After(built.ModTime()) {
			return errors.New("not current")
		}
		return nil
	})
	return err == nil
}

// account is a separate account at the stand-in server.
type account struct {
	t    testing.TB
	name string
}

func newAccount(t testing.TB) account {
	t.Helper()
	account := account{t, "go-" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name())}
	account.control("POST", "reset", nil)
	return account
}

func (a account) control(method, what string, body any) []byte {
	a.t.Helper()
	content, err := json.Marshal(body)
	must(a.t, err)
	request, err := http.NewRequest(method, server.HTTP+"/control/"+a.name+"/"+what, bytes.NewReader(content))
	must(a.t, err)
	response, err := http.DefaultClient.Do(request)
	must(a.t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(a.t, err)
	if response.StatusCode/100 != 2 {
		a.t.Fatalf("%s %s: %s %s", method, what, response.Status, answer)
	}
	return answer
}

type fault map[string]any

// takesAnyFile lets uploads pass whose extension or size is not for their purpose.
func (a account) takesAnyFile(taken bool) {
	a.t.Helper()
	a.control("POST", "settings", map[string]any{"any_file": taken})
}

func (a account) script(faults ...any) { a.t.Helper(); a.control("POST", "faults", faults) }

func (a account) addFiles(count int) {
	a.t.Helper()
	a.control("POST", "files", map[string]any{"count": count, "first_id": 1, "purpose": "voice_clone"})
}

func (a account) number(what string) int {
	a.t.Helper()
	number, err := strconv.Atoi(strings.TrimSpace(string(a.control("GET", what, nil))))
	must(a.t, err)
	return number
}

// arrived waits until count requests have arrived.
func (a account) arrived(count int) { a.t.Helper(); a.number(fmt.Sprintf("wait?count=%d", count)) }

func (a account) sent(count int) {
	a.t.Helper()
	if sent := a.number("count"); sent != count {
		a.t.Errorf("%d requests were sent, not %d", sent, count)
	}
}

type request struct {
	Method, Path, Body, Query string
	Headers                   [][2]string
	TraceID                   string `json:"trace_id"`
	Host                      string
	LeakedKey                 bool `json:"leaked_key"`
	Upload                    uploaded
}

// uploaded is the journal's entry of an upload; empty for other requests.
type uploaded struct {
	Purpose, Filename, SHA256 string
	ContentType               string `json:"content_type"`
	Bytes                     int64
	BodyBytes                 int64 `json:"body_bytes"`
	Chunked, Complete         bool
}

func (r request) header(name string) string {
	for _, header := range r.Headers {
		if strings.EqualFold(header[0], name) {
			return header[1]
		}
	}
	return ""
}

// last returns the last request that arrived.
func (a account) last() request {
	a.t.Helper()
	var journal []request
	must(a.t, json.Unmarshal(a.control("GET", "journal", nil), &journal))
	if len(journal) == 0 {
		a.t.Fatal("nothing was sent")
	}
	return journal[len(journal)-1]
}

func (a account) url() string   { return server.HTTP + "/t/" + a.name }
func (a account) https() string { return server.HTTPS + "/t/" + a.name }

// client makes a client for the account that is closed when the test ends.
func (a account) client(options ...mmx.Option) *mmx.Client {
	a.t.Helper()
	client, err := mmx.New(append([]mmx.Option{mmx.WithBaseURL(a.url()), mmx.WithAPIKey(server.Key)}, options...)...)
	must(a.t, err)
	a.t.Cleanup(func() { client.Close() })
	return client
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// is checks that err is each of the wanted, and returns it as the package's own.
func is(t testing.TB, err error, wanted ...error) *mmx.Error {
	t.Helper()
	var failure *mmx.Error
	if !errors.As(err, &failure) {
		t.Errorf("%v (%T) is no *mmx.Error", err, err)
		return &mmx.Error{}
	}
	for _, wanted := range wanted {
		if !errors.Is(err, wanted) {
			t.Errorf("%v is not %v", err, wanted)
		}
	}
	return failure
}

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("not so after 20 s: %s", what)
		}
	}
}

// goroutinesBackTo checks that no goroutine is left.
func goroutinesBackTo(t testing.TB, before int) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	eventually(t, fmt.Sprintf("back to %d goroutines", before), func() bool { return runtime.NumGoroutine() <= before })
}

// together runs work in a number of goroutines at once, and waits for them.
func together(count int, work func(worker int)) {
	var group sync.WaitGroup
	group.Add(count)
	for worker := range count {
		go func() {
			defer group.Done()
			work(worker)
		}()
	}
	group.Wait()
}
