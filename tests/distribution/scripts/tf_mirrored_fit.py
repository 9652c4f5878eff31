"""In the style of TensorFlow's tutorial on `fit` with a strategy: a scope, callbacks, saving, loading."""

import os
import tempfile

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(3)
strategy = tf.distribute.MirroredStrategy()
print("replicas:", strategy.num_replicas_in_sync >= 1)

BUFFER_SIZE = 200
BATCH_SIZE = 32  # of all replicas together
rng = np.random.default_rng(1)
images = (rng.random((200, 8, 8, 1)) * 255).astype("uint8")
labels = (images.reshape(200, -1).mean(1) * 10 % 10).astype("int64")


def scale(image, label):
    image = tf.cast(image, tf.float32)
    image /= 255
    return image, label


train_dataset = (
    tf.data.Dataset.from_tensor_slices((images[:160], labels[:160]))
    .map(scale)
    .cache()
    .shuffle(BUFFER_SIZE, seed=2)
    .batch(BATCH_SIZE)
)
eval_dataset = tf.data.Dataset.from_tensor_slices((images[160:], labels[160:])).map(scale).batch(BATCH_SIZE)

with strategy.scope():
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)),
            tf.keras.layers.MaxPooling2D(),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(16, activation="relu"),
            tf.keras.layers.Dense(10),
        ]
    )
    model.compile(
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        optimizer=tf.keras.optimizers.Adam(learning_rate=0.001),
        metrics=["accuracy"],
    )


def decay(epoch):
    return 1e-3 if epoch < 2 else 1e-4


class PrintLR(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(f"epoch {epoch + 1}: rate {float(model.optimizer.learning_rate):.4f}, loss {logs['loss']:.4f}")


folder = os.environ.get("SCRIPT_FOLDER") or tempfile.mkdtemp()
callbacks = [
    tf.keras.callbacks.ModelCheckpoint(os.path.join(folder, "ckpt_{epoch}.weights.h5"), save_weights_only=True),
    tf.keras.callbacks.LearningRateScheduler(decay),
    PrintLR(),
]
model.fit(train_dataset, epochs=3, callbacks=callbacks, verbose=0)
print("evaluated", [f"{number:.4f}" for number in model.evaluate(eval_dataset, verbose=0)])

path = os.path.join(folder, "my_model.keras")
model.save(path)
with strategy.scope():
    again = tf.keras.models.load_model(path)
    again.compile(
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), optimizer="adam", metrics=["accuracy"]
    )
    print("loaded", [f"{number:.4f}" for number in again.evaluate(eval_dataset, verbose=0)])
