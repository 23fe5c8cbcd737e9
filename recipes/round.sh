#!/usr/bin/env bash
# The whole story, a line a stage, each with what it costs on two CPU cores.  `holdspace evolve recipes/demo.yaml` does the same with
# manifests, promotion gates and held-out casts; this is how it reads when done by hand.
set -euo pipefail
OUT=${1:-runs/by-hand}

# M0's data: rehearsed talks of an imperfect teacher, the critic off, so that its errors are said.                        (15 talks a second)
holdspace simulate recipes/teacher.yaml --episodes 400 --out "$OUT/teacher"

# M0: planner and responder, each fine-tuned on its own from a small model that is made from the training text.             (2 to 4 minutes)
holdspace sft planner   --base scratch:2m --prompts brief --context 160 --data "$OUT/teacher" --out "$OUT/m0/planner"
holdspace sft responder --base scratch:2m --prompts brief --context 192 --data "$OUT/teacher" --out "$OUT/m0/responder"

for T in 0 1; do
  NEXT=$((T + 1))
  # M_t takes the seats; the frozen critic reflects, criticises and refines what it says.                                  (2 talks a second)
  holdspace simulate recipes/round.yaml --planner "local:$OUT/m$T/planner" --responder "local:$OUT/m$T/responder" \
    --seed $((10 + T)) --episodes 150 --out "$OUT/round$T"

  # What the critic mended becomes preferences: strategy pairs for the planner, refine and response pairs for the responder.      (seconds)
  holdspace pairs "$OUT/round$T" --kinds strategy,refine,response --prompts brief

  # M_t+1: DPO from M_t, which is also the reference; an SFT term against forgetting, balanced labels against collapse.     (1 to 2 minutes)
  holdspace dpo planner   --base "$OUT/m$T/planner"   --pairs "$OUT/round$T" --sft-weight 0.5 --balanced --out "$OUT/m$NEXT/planner"
  holdspace dpo responder --base "$OUT/m$T/responder" --pairs "$OUT/round$T" --sft-weight 0.2 --out "$OUT/m$NEXT/responder"

  # Is it better?  New people, no critic: the seeker's outcome and the errors that remain.                                 (2 talks a second)
  holdspace simulate recipes/teacher.yaml --planner "local:$OUT/m$NEXT/planner" --responder "local:$OUT/m$NEXT/responder" \
    --seed 99 --episodes 60 --out "$OUT/score$NEXT"
  holdspace score outcome "$OUT/score$NEXT"
done
