package confdclient

// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// A LogLevel says how much a log line matters.
type LogLevel int

// The levels.
const (
	// LevelDebug: each dropped datagram and the like, for those who look for a fault.
	LevelDebug LogLevel = iota - 1
	// LevelInfo: what changed, such as the peers.
	LevelInfo
	// LevelWarning: what works, but not as its user would want.
	LevelWarning
	// LevelError: what does not work.
	LevelError
)

// String gives the level's name in capitals.
func (l LogLevel) String() string {
	switch l {
	case LevelDebug:
		return "DEBUG"
	case LevelInfo:
		return "INFO"
	case LevelWarning:
		return "WARNING"
	case LevelError:
		return "ERROR"
	}
	return fmt.Sprintf("LogLevel(%d)", int(l))
}

// number is the library's, which counts from debug.
func (l LogLevel) number() C.int32_t { return C.int32_t(l-LevelDebug) + C.CONFD_LOG_DEBUG }

func levelOf(number C.int32_t) LogLevel { return LogLevel(number-C.CONFD_LOG_DEBUG) + LevelDebug }

// How many log lines wait for a slow hook at the most.
const maxLogLines = 1024

type logLine struct {
	level LogLevel
	text  string
}

// A logger takes lines from inside calls of the library and hands them to the program's hook on a goroutine of its
// own. So the program's code runs above no C frame and with no lock held: it may block, call the client, panic.
type logger struct {
	hook func(LogLevel, string)
	done chan struct{} // closed when the hook was called for the last time

	mu     sync.Mutex
	more   *sync.Cond
	lines  []logLine
	lost   int
	closed bool
}

func newLogger(hook func(LogLevel, string)) *logger {
	l := &logger{hook: hook, done: make(chan struct{})}
	l.more = sync.NewCond(&l.mu)
	go l.run()
	return l
}

// add never blocks.
func (l *logger) add(level LogLevel, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) >= maxLogLines {
		l.lost++
		return
	}
	l.lines = append(l.lines, logLine{level, text})
	l.more.Signal()
}

func (l *logger) run() {
	defer close(l.done)
	for {
		l.mu.Lock()
		for len(l.lines) == 0 && !l.closed {
			l.more.Wait()
		}
		lines, lost := l.lines, l.lost
		l.lines, l.lost = nil, 0
		l.mu.Unlock()
		if len(lines) == 0 {
			return
		}
		for _, line := range lines {
			l.call(line.level, line.text)
		}
		if lost > 0 {
			l.call(LevelWarning, fmt.Sprintf("%d log lines were lost, since the log hook was slow", lost))
		}
	}
}

// call is in the call stack of all that a hook does, which is how close knows that it is in one.
//
//go:noinline
func (l *logger) call(level LogLevel, text string) { l.hook(level, text) }

// close waits until the hook has taken the lines that are there, unless it is the hook that closes.
func (l *logger) close() {
	l.mu.Lock()
	l.closed = true
	l.more.Signal()
	l.mu.Unlock()
	if !inLogHook() {
		<-l.done
	}
}

func inLogHook() bool {
	callers := make([]uintptr, 64)
	for skip := 0; ; skip += len(callers) {
		count := runtime.Callers(skip, callers)
		frames := runtime.CallersFrames(callers[:count])
		for more := count > 0; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if strings.HasSuffix(frame.Function, "confdclient.(*logger).call") {
				return true
			}
		}
		if count < len(callers) {
			return false
		}
	}
}
