"""Language models of KerasHub on our backend: files in Hugging Face's layout against NumPy, generated text, the guide.

KerasHub asks for TensorFlow, so it isn't among the packages of our tests: `make keras-hub` has an environment for it.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("keras_hub", "safetensors", "tokenizers", "grain")),
    reason="KerasHub isn't installed: make keras-hub runs these",
)
LAYERS, HEADS, WIDTH, WORDS, LENGTH = 2, 4, 16, 50, 12
TOKENS = np.random.default_rng(5).integers(1, WORDS, (3, LENGTH))


def run(code, folder, backend="eagerflow"):
    """What a script prints as JSON in its last line."""
    settings = {"KERAS_HOME": str(folder), "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend}
    start = "import eagerflow.keras_backend\n" if backend == "eagerflow" else ""
    told = subprocess.run(
        [sys.executable, "-c", f"{start}import json\nimport numpy as np\nimport keras\nimport keras_hub\n{code}"],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])


def written(folder, config, shapes):
    """Write a folder in Hugging Face's layout with random weights; gives them."""
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape).astype("float32") for name, shape in shapes.items()}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return {name: array.astype("float64") for name, array in weights.items()}


def normalized(x, scale, offset, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * scale + offset


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def attention(q, k, v, causal):
    """Of arrays (batch, length, heads, size)."""
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tril(np.ones(scores.shape[-2:])) > 0, scores, -1e30)
    return np.einsum("bhqk,bkhd->bqhd", softmax(scores), v).reshape(*q.shape[:2], -1)


def heads(x, count=HEADS):
    return x.reshape(*x.shape[:2], count, -1)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


GPT2 = {
    "model_type": "gpt2", "vocab_size": WORDS, "n_layer": LAYERS, "n_head": HEADS, "n_embd": WIDTH, "n_positions": 32,
    "resid_pdrop": 0.0,
}  # fmt: skip


def gpt2_shapes():
    shapes = {"wte.weight": (WORDS, WIDTH), "wpe.weight": (32, WIDTH), "ln_f.weight": (WIDTH,), "ln_f.bias": (WIDTH,)}
    sizes = {"attn.c_attn": (WIDTH, 3 * WIDTH), "attn.c_proj": (WIDTH, WIDTH), "mlp.c_fc": (WIDTH, 4 * WIDTH)}
    for i in range(LAYERS):
        for name, (rows, columns) in {**sizes, "mlp.c_proj": (4 * WIDTH, WIDTH)}.items():
            shapes |= {f"h.{i}.{name}.weight": (rows, columns), f"h.{i}.{name}.bias": (columns,)}
        shapes |= {f"h.{i}.ln_{j}.{kind}": (WIDTH,) for j in (1, 2) for kind in ("weight", "bias")}
    return shapes


def gpt2(w, tokens):
    def norm(x, name):
        return normalized(x, w[f"{name}.weight"], w[f"{name}.bias"], 1e-5)

    def dense(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["wte.weight"][tokens] + w["wpe.weight"][: tokens.shape[1]]
    for i in range(LAYERS):
        q, k, v = map(heads, np.split(dense(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn"), 3, -1))
        x = x + dense(attention(q, k, v, causal=True), f"h.{i}.attn.c_proj")
        x = x + dense(gelu(dense(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc")), f"h.{i}.mlp.c_proj")
    return norm(x, "ln_f")


LLAMA = {
    "model_type": "llama", "vocab_size": WORDS, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "num_key_value_heads": 2, "hidden_size": WIDTH, "intermediate_size": 24, "rope_theta": 10000.0,
    "tie_word_embeddings": False, "rms_norm_eps": 1e-6,
}  # fmt: skip


def llama_shapes():
    shapes = {"model.embed_tokens.weight": (WORDS, WIDTH), "lm_head.weight": (WORDS, WIDTH)}
    shapes["model.norm.weight"] = (WIDTH,)
    for i in range(LAYERS):
        sizes = {"self_attn.q_proj": (WIDTH, WIDTH), "self_attn.k_proj": (8, WIDTH), "self_attn.v_proj": (8, WIDTH)}
        sizes |= {"self_attn.o_proj": (WIDTH, WIDTH), "mlp.gate_proj": (24, WIDTH), "mlp.up_proj": (24, WIDTH)}
        sizes |= {"mlp.down_proj": (WIDTH, 24), "input_layernorm": (WIDTH,), "post_attention_layernorm": (WIDTH,)}
        shapes |= {f"model.layers.{i}.{name}.weight": shape for name, shape in sizes.items()}
    return shapes


def llama(w, tokens):
    def norm(x, name):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * w[f"{name}.weight"]

    def turned(x):
        half = x.shape[-1] // 2
        angles = np.arange(x.shape[1])[:, None] / 10000.0 ** (np.arange(half) / half)
        cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
        first, second = x[..., :half], x[..., half:]
        return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)

    x = w["model.embed_tokens.weight"][tokens]
    for i in range(LAYERS):
        at = f"model.layers.{i}"
        h = norm(x, f"{at}.input_layernorm")
        q, k, v = [h @ w[f"{at}.self_attn.{name}_proj.weight"].T for name in "qkv"]
        k, v = [np.repeat(heads(each, 2), HEADS // 2, axis=2) for each in (k, v)]
        attended = attention(turned(heads(q)), turned(k), v, causal=True)
        x = x + attended @ w[f"{at}.self_attn.o_proj.weight"].T
        h = norm(x, f"{at}.post_attention_layernorm")
        gate = h @ w[f"{at}.mlp.gate_proj.weight"].T
        h = gate / (1 + np.exp(-gate)) * (h @ w[f"{at}.mlp.up_proj.weight"].T)
        x = x + h @ w[f"{at}.mlp.down_proj.weight"].T
    return norm(x, "model.norm")


BERT = {
    "model_type": "bert", "vocab_size": WORDS, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "hidden_size": WIDTH, "intermediate_size": 24, "max_position_embeddings": 32,
}  # fmt: skip


def bert_shapes():
    shapes = {f"embeddings.{name}_embeddings.weight": (rows, WIDTH) for name, rows in (("word", WORDS),)}
    shapes |= {
        "embeddings.position_embeddings.weight": (32, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    norms, sizes = ["embeddings.LayerNorm"], {"pooler.dense": (WIDTH, WIDTH)}
    for i in range(LAYERS):
        at = f"encoder.layer.{i}"
        sizes |= {f"{at}.attention.self.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value")}
        sizes |= {f"{at}.attention.output.dense": (WIDTH, WIDTH), f"{at}.intermediate.dense": (24, WIDTH)}
        sizes[f"{at}.output.dense"] = (WIDTH, 24)
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
    shapes |= {f"{name}.{kind}": (WIDTH,) for name in norms for kind in ("weight", "bias")}
    return shapes | {
        f"{name}.{kind}": shape
        for name, (rows, columns) in sizes.items()
        for kind, shape in (("weight", (rows, columns)), ("bias", (rows,)))
    }


def bert(w, tokens):
    def norm(x, name):
        return normalized(x, w[f"{name}.weight"], w[f"{name}.bias"], 1e-12)

    def dense(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + w["embeddings.position_embeddings.weight"][: tokens.shape[1]], "embeddings.LayerNorm")
    for i in range(LAYERS):
        at = f"encoder.layer.{i}"
        q, k, v = [heads(dense(x, f"{at}.attention.self.{name}")) for name in ("query", "key", "value")]
        attended = dense(attention(q, k, v, causal=False), f"{at}.attention.output.dense")
        x = norm(x + attended, f"{at}.attention.output.LayerNorm")
        h = dense(gelu(dense(x, f"{at}.intermediate.dense")), f"{at}.output.dense")
        x = norm(x + h, f"{at}.output.LayerNorm")
    return x


@pytest.mark.parametrize(
    ("backbone", "config", "shapes", "reference"),
    [
        ("GPT2Backbone", GPT2, gpt2_shapes, gpt2),
        ("Llama3Backbone", LLAMA, llama_shapes, llama),
        ("BertBackbone", BERT, bert_shapes, bert),
    ],
)
def test_folders_in_hugging_faces_layout_give_what_numpy_gives(tmp_path, backbone, config, shapes, reference):
    weights = written(tmp_path, config, shapes())
    found = run(
        f"""
model = keras_hub.models.{backbone}.from_preset(".")
tokens = np.array({TOKENS.tolist()})
inputs = {{"token_ids": tokens, "padding_mask": np.ones_like(tokens), "segment_ids": np.zeros_like(tokens)}}
outputs = model({{name: x for name, x in inputs.items() if name in model.input}})
print(json.dumps(np.array(outputs["sequence_output"] if isinstance(outputs, dict) else outputs).tolist()))
""",
        tmp_path,
    )
    wanted = reference(weights, TOKENS)
    assert np.abs(wanted).max() > 0.5
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=1e-5)


GENERATE = f"""
keras.utils.set_random_seed(3)
def model():
    backbone = keras_hub.models.GPT2Backbone.from_preset(".")
    return keras_hub.models.GPT2CausalLM(backbone, preprocessor=None)
tokens = np.array({TOKENS[:, :4].tolist()})
padded = np.zeros((3, 16), "int32")
padded[:, :4] = tokens
inputs = {{"token_ids": padded, "padding_mask": (padded > 0).astype("int32")}}
def text(sampler):
    causal = model()
    causal.compile(sampler=sampler)
    return np.array(causal.generate(inputs, stop_token_ids=None)["token_ids"]).tolist()
sampled = lambda: keras_hub.samplers.TopKSampler(k=5, seed=7)
print(json.dumps([text("greedy"), text(keras_hub.samplers.BeamSampler(num_beams=3)), text(sampled()), text(sampled())]))
"""


def test_generated_text_is_that_of_pytorchs_backend_and_the_same_on_each_run(tmp_path):
    written(tmp_path, GPT2, gpt2_shapes())
    greedy, beam, sampled, again = run(GENERATE, tmp_path)
    assert sampled == again == run(GENERATE, tmp_path)[2]
    assert all(len(set(row)) > 1 for row in greedy)
    allowed = greedy != sampled
    assert allowed  # other words are drawn
    if importlib.util.find_spec("torch") is not None:
        assert run(GENERATE, tmp_path, backend="torch")[:2] == [greedy, beam]  # sampled ones draw other numbers


def test_the_guide_runs_in_small(tmp_path):
    page = (ROOT / "docs" / "guides" / "language_model.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    code += "\nprint(json.dumps([history.history['loss'], written]))"
    losses, text = run(re.sub(r"epochs=\d+", "epochs=2", code.replace("[:2048]", "[:256]")), tmp_path)
    assert losses[-1] < losses[0]
    assert len(text) > 10
    assert {"step.html", "heads.png"} <= {path.name for path in tmp_path.iterdir()}
