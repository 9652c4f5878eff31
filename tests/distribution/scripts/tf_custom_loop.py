"""In the style of TensorFlow's tutorial on loops of one's own with a strategy."""

import os
import tempfile

import numpy as np
import tensorflow as tf

strategy = tf.distribute.MirroredStrategy()
tf.keras.utils.set_random_seed(4)

rng = np.random.default_rng(0)
train_images = rng.random((150, 8, 8, 1)).astype("float32")
train_labels = rng.integers(0, 10, 150)
test_images = rng.random((50, 8, 8, 1)).astype("float32")
test_labels = rng.integers(0, 10, 50)

GLOBAL_BATCH_SIZE = 64
EPOCHS = 3
train_dataset = tf.data.Dataset.from_tensor_slices((train_images, train_labels)).shuffle(150, seed=3)
train_dist_dataset = strategy.experimental_distribute_dataset(train_dataset.batch(GLOBAL_BATCH_SIZE))
test_dataset = tf.data.Dataset.from_tensor_slices((test_images, test_labels)).batch(GLOBAL_BATCH_SIZE)
test_dist_dataset = strategy.experimental_distribute_dataset(test_dataset)

with strategy.scope():
    regularizer = tf.keras.regularizers.L2(1e-4)
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Conv2D(4, 3, activation="relu", kernel_regularizer=regularizer),
            tf.keras.layers.MaxPooling2D(),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(10, kernel_regularizer=regularizer),
        ]
    )
    optimizer = tf.keras.optimizers.Adam(learning_rate=0.001)
    checkpoint = tf.train.Checkpoint(optimizer=optimizer, model=model)
    loss_object = tf.keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=tf.keras.losses.Reduction.NONE
    )
    test_loss = tf.keras.metrics.Mean(name="test_loss")
    train_accuracy = tf.keras.metrics.SparseCategoricalAccuracy(name="train_accuracy")
    test_accuracy = tf.keras.metrics.SparseCategoricalAccuracy(name="test_accuracy")


def compute_loss(labels, predictions, model_losses):
    loss = tf.nn.compute_average_loss(loss_object(labels, predictions))
    if model_losses:
        loss += tf.nn.scale_regularization_loss(tf.add_n(model_losses))
    return loss


def train_step(inputs):
    images, labels = inputs
    with tf.GradientTape() as tape:
        predictions = model(images, training=True)
        loss = compute_loss(labels, predictions, model.losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    train_accuracy.update_state(labels, predictions)
    return loss


def test_step(inputs):
    images, labels = inputs
    predictions = model(images, training=False)
    test_loss.update_state(loss_object(labels, predictions))
    test_accuracy.update_state(labels, predictions)


@tf.function
def distributed_train_step(dataset_inputs):
    per_replica_losses = strategy.run(train_step, args=(dataset_inputs,))
    return strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica_losses, axis=None)


@tf.function
def distributed_test_step(dataset_inputs):
    return strategy.run(test_step, args=(dataset_inputs,))


folder = os.environ.get("SCRIPT_FOLDER") or tempfile.mkdtemp()
for epoch in range(EPOCHS):
    total_loss, num_batches = 0.0, 0
    for x in train_dist_dataset:
        total_loss += distributed_train_step(x)
        num_batches += 1
    for x in test_dist_dataset:
        distributed_test_step(x)
    if epoch % 2 == 0:
        checkpoint.save(os.path.join(folder, "ckpt"))
    numbers = (total_loss / num_batches, train_accuracy.result(), test_loss.result(), test_accuracy.result())
    print(f"epoch {epoch + 1}:", " ".join(f"{float(number):.4f}" for number in numbers))
    test_loss.reset_states()
    train_accuracy.reset_states()
    test_accuracy.reset_states()

checkpoint.restore(tf.train.latest_checkpoint(folder)).assert_consumed()
values = [float(tf.reduce_sum(tf.abs(v))) for v in model.trainable_variables]
print("restored", " ".join(f"{value:.4f}" for value in values))
